"""rq-dashboard at /admin/rq: administrators look at queues and jobs; nothing can be changed, run or smuggled in."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer

from tests.conftest import Servers
from tests.operations import work
from tests.operations.conftest import eventually, rq_worker
from webapp.operations.dashboard import ReadingRedis


def pages(job: Job) -> list[str]:
    registry = "jobs/bookings/failed/8/asc/1"
    return [
        "/admin/rq/",
        "/admin/rq/0/view/workers",
        "/admin/rq/0/view/jobs",
        f"/admin/rq/0/view/{registry}",
        f"/admin/rq/0/view/job/{job.id}",
        "/admin/rq/0/data/queues.json",
        "/admin/rq/0/data/workers.json",
        f"/admin/rq/0/data/{registry}.json",
        "/admin/rq/0/data/jobs/bookings/queued/8/dsc/1.json",
        f"/admin/rq/0/data/job/{job.id}.json",
        "/admin/rq/favicon.ico",
        "/admin/rq/static/css/main.css",
    ]


def html_pages(job: Job) -> list[str]:
    return [page for page in pages(job) if page == "/admin/rq/" or "/view/" in page]


CHANGES = [
    "/admin/rq/job/{id}/delete",
    "/admin/rq/job/{id}/requeue",
    "/admin/rq/requeue/bookings",
    "/admin/rq/queue/bookings/queued/empty",
    "/admin/rq/queue/bookings/failed/empty",
    "/admin/rq/queue/bookings/compact",
]


def everything(redis: Redis) -> dict[bytes, bytes | None]:
    """All that Redis holds, but for the counts that each request adds to."""
    return {key: redis.dump(key) for key in redis.scan_iter() if not key.startswith(b"almanac:")}  # type: ignore[misc]  # the asynchronous client's type


# Who may look


def test_a_stranger_is_sent_to_sign_in_and_comes_back(client: FlaskClient, failed: Job) -> None:
    for page in pages(failed):
        answer = client.get(page)
        assert answer.status_code == 303, page
        assert answer.headers["Location"].startswith("/sign-in?next=/admin/rq/")


def test_a_member_who_is_no_administrator_is_refused(ordinary_member: FlaskClient, failed: Job) -> None:
    for page in pages(failed):
        answer = ordinary_member.get(page)
        assert answer.status_code == 403, page
        answer.close()


def test_an_administrator_sees_every_page_and_no_cache_keeps_it(administrator: FlaskClient, failed: Job) -> None:
    for page in pages(failed):
        with administrator.get(page) as answer:
            assert answer.status_code == 200, page
            assert answer.headers["Cache-Control"] == "no-store", page


# What can be done: nothing


def test_nothing_can_be_changed_by_get_or_post(administrator: FlaskClient, failed: Job, redis: Redis) -> None:
    before = everything(redis)
    for path in CHANGES:
        for method in ("GET", "POST", "PUT", "DELETE", "PATCH"):
            answer = administrator.open(path.format(id=failed.id), method=method)
            assert answer.status_code in {400, 403, 404, 405}, (method, path)
    assert everything(redis) == before


def test_a_post_with_a_good_csrf_token_is_refused_too(
    app: Flask, administrator: FlaskClient, failed: Job, redis: Redis
) -> None:
    page = administrator.get("/account").text
    token = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', page)
    assert token
    before = everything(redis)
    for path in CHANGES:
        answer = administrator.post(path.format(id=failed.id), data={"csrf_token": token[1]})
        assert answer.status_code == 403, path
        assert "nothing can be changed" in answer.text
    assert everything(redis) == before


def test_looking_changes_nothing_even_where_rq_would_tidy_up(
    administrator: FlaskClient, failed: Job, queue: Queue, redis: Redis
) -> None:
    redis.rpush(queue.key, "job-without-a-record")
    redis.sadd("rq:workers", "rq:worker:gone")
    redis.hset("rq:worker:here", mapping={"state": "busy", "queues": "bookings"})
    redis.sadd("rq:workers", "rq:worker:here")
    redis.sadd("rq:worker:here:executions", "job:stale")
    before = everything(redis)
    for page in pages(failed):
        administrator.get(page).close()
    assert everything(redis) == before


def test_its_redis_client_cannot_write(app: Flask) -> None:
    redis = app.redis_conn  # type: ignore[attr-defined]  # where rq-dashboard keeps it
    assert isinstance(redis, ReadingRedis)
    for attempt in (
        lambda: redis.set("a", 1),
        lambda: redis.delete("a"),
        lambda: redis.eval("return 1", 0),
        redis.pipeline,
    ):
        with pytest.raises(PermissionError):
            attempt()


# What is there and what is not


@pytest.mark.parametrize(
    "path",
    [
        "/admin/rq/1/view/queues",
        "/admin/rq/0/view/job/unknown",
        "/admin/rq/0/data/job/unknown.json",
        "/admin/rq/0/data/job/%00.json",
        "/admin/rq/0/data/job/%ff.json",
        "/admin/rq/0/view/job/%3Cscript%3E",
        "/admin/rq/0/view/jobs/unknown/queued/8/asc/1",
        "/admin/rq/0/data/jobs/unknown/queued/8/asc/1.json",
        "/admin/rq/0/data/jobs/bookings/unknown/8/asc/1.json",
        "/admin/rq/0/data/jobs/bookings/queued/0/asc/1.json",
        "/admin/rq/0/data/jobs/bookings/queued/many/asc/1.json",
        "/admin/rq/0/data/jobs/bookings/queued/100000/asc/1.json",
        "/admin/rq/0/data/jobs/bookings/queued/8/asc/0.json",
        "/admin/rq/0/data/jobs/bookings/queued/8/asc/-1.json",
        "/admin/rq/0/data/jobs/bookings/queued/8/sideways/1.json",
        "/admin/rq/0/view/jobs/');alert(1)//{queued}/queued/8/asc/1",
        "/admin/rq/nothing",
    ],
)
def test_what_does_not_exist_is_not_found(administrator: FlaskClient, queue: Queue, path: str) -> None:
    queue.enqueue(work.echo, "a")
    assert administrator.get(path).status_code == 404


def test_redis_away_is_a_503(administrator: FlaskClient, servers: Servers) -> None:
    servers.jobs_redis.stop()
    try:
        statuses = {
            administrator.get(f"/admin/rq/0/data/{what}").status_code
            for what in ("queues.json", "workers.json", "job/x.json", "jobs/bookings/queued/8/asc/1.json")
        }
    finally:
        servers.jobs_redis.start()
    assert statuses == {503}


def test_a_busy_worker_shows_its_job_without_arguments(
    administrator: FlaskClient, queue: Queue, redis: Redis, servers: Servers
) -> None:
    with rq_worker(servers.jobs_redis.url, "bookings"):
        job = queue.enqueue(work.wait_for_word, servers.jobs_redis.url, "word", description="waits for a word")

        def busy() -> dict[str, Any] | None:
            answer = administrator.get("/admin/rq/0/data/workers.json").json
            assert answer is not None
            found = [worker for worker in answer["workers"] if worker["current_job"] != "idle"]
            return found[0] if found else None

        worker = eventually(busy)
        redis.rpush("word", "go")
    assert worker["state"] == "busy"
    assert worker["queues"] == ["bookings"]
    assert worker["current_job"]["job_id"] == job.id
    assert worker["current_job"]["call_string"] == "tests.operations.work.wait_for_word"


def test_a_job_shows_what_it_depends_on(administrator: FlaskClient, queue: Queue) -> None:
    first, gone = queue.enqueue(work.echo, "a"), queue.enqueue(work.echo, "b")
    job = queue.enqueue(work.echo, "c", depends_on=[first, gone])
    gone.delete()
    shown = administrator.get(f"/admin/rq/0/data/job/{job.id}.json").json
    assert shown is not None
    assert dict(zip(shown["depends_on"], shown["depends_on_status"], strict=True)) == {
        first.id: "active",
        gone.id: "expired",
    }
    assert shown["status"] == "deferred"


def test_a_failed_job_shows_its_trace(administrator: FlaskClient, failed: Job) -> None:
    shown = administrator.get(f"/admin/rq/0/data/job/{failed.id}.json").json
    assert shown is not None
    assert shown["status"] == "failed"
    assert "ValueError" in shown["exc_info"]
    listed = administrator.get("/admin/rq/0/data/jobs/bookings/failed/8/asc/1.json").json
    assert listed is not None
    assert [job["id"] for job in listed["jobs"]] == [failed.id]


def test_what_looks_like_a_secret_is_shown_nowhere(administrator: FlaskClient, redis: Redis) -> None:
    secrets = ["hunter2hunter2", "abcdefghijkl", "quite private"]
    at_once = Queue("bookings", connection=redis, serializer=JSONSerializer, is_async=False)
    told = "smtp://almanac:hunter2hunter2@mail.test refused Bearer abcdefghijkl"
    for function, registry in ((work.fail, "failed"), (work.echo, "finished")):
        job = at_once.enqueue(function, told, meta={"password": "quite private"})
        shown = administrator.get(f"/admin/rq/0/data/job/{job.id}.json").text
        shown += administrator.get(f"/admin/rq/0/data/jobs/bookings/{registry}/8/asc/1.json").text
        assert "smtp://almanac:[hidden]@mail.test" in shown
        assert [secret for secret in secrets if secret in shown] == []


# What is in the pages


def test_the_address_of_redis_is_nowhere(administrator: FlaskClient, failed: Job, servers: Servers) -> None:
    for page in pages(failed):
        with administrator.get(page) as answer:
            assert str(servers.jobs_redis.port).encode() not in answer.data, page
            assert b"redis://" not in answer.data, page


def test_only_our_inline_script_may_run(administrator: FlaskClient, failed: Job) -> None:
    seen = set()
    for page in html_pages(failed):
        answer = administrator.get(page)
        policy = answer.headers["Content-Security-Policy"]
        [nonce] = re.findall(r"script-src 'self' 'unsafe-eval' 'nonce-([^']+)'", policy)
        inline = [tag for tag in re.findall(r"<script[^>]*>", answer.text) if "src=" not in tag]
        runnable = [tag for tag in inline if "text/template" not in tag]
        assert runnable == [f'<script nonce="{nonce}">'], page
        assert "'unsafe-inline'" not in policy.split("style-src-attr")[0]
        seen.add(nonce)
    assert len(seen) == len(html_pages(failed)) == 5


def test_pages_elsewhere_keep_the_strict_policy(administrator: FlaskClient) -> None:
    for page in ("/admin/rq/0/data/queues.json", "/account"):
        assert "unsafe" not in administrator.get(page).headers["Content-Security-Policy"]


@pytest.mark.usefixtures("hostile_worker")
def test_markup_never_reaches_the_html_that_the_server_writes(administrator: FlaskClient, failed: Job) -> None:
    for page in html_pages(failed):
        assert "<img" not in administrator.get(page).text, page
