"""/metrics is what Prometheus expects, right over all processes, and for those who know the token."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

from jobs.runtime.carrier import DEAD_LETTER, SCHEDULED_KEY
from tests.conftest import Servers
from tests.operations import work
from tests.operations.conftest import eventually, rq_worker
from webapp.core import measures
from webapp.operations.queries import SCHEDULER_LEADER_KEY


@pytest.fixture(autouse=True)
def _from_zero(redis: Redis) -> None:
    measures.flush()
    redis.delete(measures.KEY)


def scrape(client: FlaskClient) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/plain; version=")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def named(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return name, frozenset(labels.items())


def test_counters_and_histograms_read_as_prometheus_means_them(client: FlaskClient) -> None:
    measures.count("jobs_dead", 3, job="mail.send", queue="email")
    for seconds in (0.2, 0.2, 7.0, 100_000.0):
        measures.observe("job_run_seconds", seconds, job="mail.send", queue="email")
    measures.flush()
    found = scrape(client)
    labels = {"job": "mail.send", "queue": "email"}
    assert found[named("almanac_jobs_dead_total", **labels)] == 3
    assert found[named("almanac_job_run_seconds_bucket", le="0.1", **labels)] == 0
    assert found[named("almanac_job_run_seconds_bucket", le="0.25", **labels)] == 2
    assert found[named("almanac_job_run_seconds_bucket", le="10.0", **labels)] == 3
    assert found[named("almanac_job_run_seconds_bucket", le="+Inf", **labels)] == 4
    assert found[named("almanac_job_run_seconds_count", **labels)] == 4
    assert found[named("almanac_job_run_seconds_sum", **labels)] == pytest.approx(100_007.4)


def test_every_measure_is_there_before_it_has_a_value(client: FlaskClient) -> None:
    families = {family.name for family in text_string_to_metric_families(client.get("/metrics").text)}
    assert {f"almanac_{name}" for name in (*measures.COUNTERS, *measures.HISTOGRAMS)} <= families


def test_labels_with_quotes_and_line_ends_stay_labels(client: FlaskClient) -> None:
    measures.count("jobs_dead", job='say "hi"\n', queue="a\\b")
    measures.flush()
    assert scrape(client)[named("almanac_jobs_dead_total", job='say "hi"\n', queue="a\\b")] == 1


def test_what_another_release_wrote_does_no_harm(client: FlaskClient, redis: Redis) -> None:
    for field in ("jobs_dead\x1fcount\x1fone-label", "gone\x1fcount\x1fa", "jobs_dead\x1f7\x1fa\x1fb"):
        redis.hset(measures.KEY, field, "1")
    assert not [key for key in scrape(client) if key[0] == "almanac_jobs_dead_total"]


def test_queues_show_how_many_wait_and_for_how_long(client: FlaskClient, redis: Redis) -> None:
    queue = Queue("email:high", connection=redis, serializer=JSONSerializer)
    first, _second = queue.enqueue(work.echo, "a"), queue.enqueue(work.echo, "b")
    redis.hset(f"rq:job:{first.id}", "enqueued_at", "2026-01-01T00:00:00.000000Z")
    found = scrape(client)
    assert found[named("almanac_queue_jobs", queue="email", lane="high")] == 2
    assert found[named("almanac_queue_jobs", queue="email", lane="default")] == 0
    assert found[named("almanac_queue_oldest_seconds", queue="email", lane="high")] > 3600
    assert found[named("almanac_queue_oldest_seconds", queue="email", lane="default")] == 0


def test_workers_scheduler_and_sets_are_read_at_the_scrape(client: FlaskClient, redis: Redis, servers: Servers) -> None:
    assert scrape(client)[named("almanac_workers")] == 0
    redis.set(SCHEDULER_LEADER_KEY, "me", ex=30)
    redis.zadd(SCHEDULED_KEY, {"a": 1, "b": 2})
    redis.rpush(f"rq:queue:{DEAD_LETTER}", "x")
    queue = Queue("bookings", connection=redis, serializer=JSONSerializer)
    with rq_worker(servers.jobs_redis.url, "bookings"):
        assert eventually(lambda: scrape(client)[named("almanac_workers")] == 1)
        queue.enqueue(work.wait_for_word, servers.jobs_redis.url, "word")
        assert eventually(lambda: scrape(client)[named("almanac_workers_busy")] == 1)
        redis.rpush("word", "go")
        assert eventually(lambda: scrape(client)[named("almanac_workers_busy")] == 0)
    found = scrape(client)
    assert found[named("almanac_scheduler_leader")] == 1
    assert found[named("almanac_scheduled_jobs")] == 2
    assert found[named("almanac_dead_letters")] == 1


def test_redis_away_is_a_503(client: FlaskClient, servers: Servers) -> None:
    servers.jobs_redis.stop()
    try:
        answer = client.get("/metrics")
    finally:
        servers.jobs_redis.start()
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["code"] == "unavailable"


def test_with_a_token_set_only_the_token_opens(client: FlaskClient, with_setting: Callable[[str, str], None]) -> None:
    with_setting("METRICS_TOKEN", "a-long-enough-token")
    refused = client.get("/metrics")
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")
    for wrong in ("Bearer wrong", "Bearer ", "Bearer ä", "Basic YTpi", "nonsense"):
        assert client.get("/metrics", headers={"Authorization": wrong}).status_code == 401
    right = client.get("/metrics", headers={"Authorization": "Bearer a-long-enough-token"})
    assert right.status_code == 200


def test_production_without_a_token_answers_nobody(
    client: FlaskClient, with_setting: Callable[[str, str], None]
) -> None:
    with_setting("PASSWORD_MEMORY_MB", "64")
    with_setting("ENVIRONMENT", "production")
    answer = client.get("/metrics")
    assert answer.status_code == 403
    assert answer.json is not None
    assert "METRICS_TOKEN" in answer.json["title"]
