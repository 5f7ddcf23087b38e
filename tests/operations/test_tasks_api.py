"""Programs that look after the background jobs: numbers, lists, one job, and following it live."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from jobs import schedule
from jobs.operations import check_system_health, replay_dead_letters
from jobs.runtime import schedules
from jobs.runtime.models import RunState
from tests import factories
from tests.conftest import Servers
from tests.operations.background import BASE, again, failed_attempt, get, later, refused, run, token
from webapp.core import clock, measures
from webapp.core.db import transaction
from webapp.identity.models import Role, Scope
from webapp.operations import live
from webapp.operations.models import Via
from webapp.operations.service import actions

READ = Scope.JOBS_READ
NOBODY = "018f0000-0000-7000-8000-000000000000"
TASK = "018f0000-0000-7000-8000-000000000000"
PATHS = ["/stats", "/active", "/scheduled", "/health", f"/task/{TASK}", f"/task/{TASK}/events"]


@pytest.fixture
def reader(app: Flask) -> dict[str, str]:
    return token(READ)


@pytest.mark.parametrize("path", PATHS)
def test_strangers_and_tokens_for_other_things_are_refused(client: FlaskClient, path: str) -> None:
    refused(client.get(f"{BASE}{path}"), 401, "unauthenticated")
    refused(client.get(f"{BASE}{path}", headers=token(Scope.BOOKINGS_READ)), 403, "insufficient_scope")
    refused(client.put(f"{BASE}{path}", headers=token(READ)), 405, "method_not_allowed")


@pytest.mark.parametrize("path", PATHS)
def test_only_the_organisation_that_runs_the_installation_is_told_once_it_is_named(
    client: FlaskClient, path: str, with_setting: Callable[[str, str], None]
) -> None:
    operator, tenant = factories.member(), factories.member()
    with_setting("OPERATOR_ORGANIZATION", operator.organization.slug)
    refused(client.get(f"{BASE}{path}", headers=token(READ, of=tenant)), 403, "forbidden")
    assert client.get(f"{BASE}{path}", headers=token(READ, of=operator)).status_code in {200, 404}


def test_an_auditor_reads(client: FlaskClient) -> None:
    auditor = factories.member(role=Role.AUDITOR)
    assert get(client, "/stats", token(READ, of=auditor))["running"] == 0


def test_stats_count_what_waits_runs_and_died(client: FlaskClient, reader: dict[str, str]) -> None:
    run()
    run(run_at=later(hours=1))
    run(RunState.RUNNING)
    run(RunState.DEAD)
    run(RunState.DEAD, finished_at=later(hours=-25))
    measures.flush()  # what other tests of this process have counted
    before = get(client, "/stats", reader)["totals"]["succeeded"]
    measures.count("jobs_succeeded", 3, job="a.b", queue="email")
    measures.flush()
    stats = get(client, "/stats", reader)
    counted = {name: stats[name] for name in ("queued", "scheduled", "running", "dead_24h", "workers")}
    assert counted == {"queued": 1, "scheduled": 1, "running": 1, "dead_24h": 1, "workers": 0}
    assert stats["totals"]["succeeded"] - before == 3
    assert [queue["name"] for queue in stats["queues"]] == ["bookings", "email", "notifications", "maintenance"]


def test_stats_see_what_is_in_redis(client: FlaskClient, reader: dict[str, str]) -> None:
    check_system_health.enqueue()
    replay_dead_letters.enqueue()
    queues = {queue["name"]: queue["waiting"] for queue in get(client, "/stats", reader)["queues"]}
    assert queues == {"bookings": 0, "email": 0, "notifications": 0, "maintenance": 2}


def test_without_redis_it_says_so(client: FlaskClient, reader: dict[str, str], servers: Servers) -> None:
    one = run()
    servers.jobs_redis.stop()
    try:
        refused(client.get(f"{BASE}/stats", headers=reader), 503, "unavailable")
        assert get(client, f"/task/{one.id}", reader)["state"] == "queued"
        assert get(client, "/health", reader)["status"] == "degraded"
    finally:
        servers.jobs_redis.start()


def test_active_lists_the_longest_running_first(client: FlaskClient, reader: dict[str, str]) -> None:
    run()
    young = run(RunState.RUNNING)
    old = run(RunState.RUNNING, started_at=later(minutes=-5), progress={"done": 1, "total": 4, "note": "rows"})
    items = get(client, "/active", reader)["items"]
    assert [item["id"] for item in items] == [str(old.id), str(young.id)]
    assert items[0]["progress"] == {"done": 1, "total": 4, "note": "rows"}
    assert items[0]["worker"] == "host.1.abcd"


def test_scheduled_comes_in_pages_the_soonest_first(client: FlaskClient, reader: dict[str, str]) -> None:
    run()
    expected = [str(run(run_at=later(minutes=minutes)).id) for minutes in (1, 2, 3)]
    first = get(client, "/scheduled?limit=2", reader)
    rest = get(client, f"/scheduled?limit=2&cursor={first['next_cursor']}", reader)
    assert [item["id"] for item in first["items"] + rest["items"]] == expected
    assert rest["next_cursor"] is None
    assert {item["state"] for item in first["items"]} == {"scheduled"}
    refused(client.get(f"{BASE}/scheduled?limit=0", headers=reader), 422, "invalid")
    refused(client.get(f"{BASE}/scheduled?cursor=nonsense", headers=reader), 422, "invalid")


def test_scheduled_says_when_periodic_jobs_run_next(client: FlaskClient, reader: dict[str, str]) -> None:
    with transaction():
        schedules.seed(schedule.SCHEDULE)
    entries = {entry["name"]: entry for entry in get(client, "/scheduled", reader)["periodic"]}
    health = entries["operations.check_system_health"]
    assert (health["cron"], health["timezone"]) == ("* * * * *", "UTC")
    assert clock.now().isoformat() < health["next_run_at"]


def test_health_names_what_is_missing(client: FlaskClient, reader: dict[str, str]) -> None:
    health = get(client, "/health", reader)
    assert (health["status"], health["checks"]["database"]) == ("degraded", "ok")
    assert "python -m jobs.worker" in health["checks"]["worker"]


def test_a_job_is_shown_whole_with_its_secrets_hidden(client: FlaskClient, reader: dict[str, str]) -> None:
    one = run(
        RunState.DEAD,
        arguments={"booking_id": "b-1", "api_key": "abcdefgh", "sealed": {"$secret": "gAAAA"}},
        error="ValueError: no way in with Bearer abc.def",
        parent_id=uuid4(),
    )
    failed_attempt(one, "no way in with Bearer abc.def")
    shown = get(client, f"/task/{one.id}", reader)
    assert shown["state"] == "dead"
    assert shown["arguments"] == {"booking_id": "b-1", "api_key": "[hidden]", "sealed": "[hidden]"}
    assert [attempt["error"] for attempt in shown["attempts"]] == ["no way in with Bearer [hidden]"]
    assert "abc.def" not in json.dumps(shown)
    assert shown["parent_id"] == str(one.parent_id)


def test_a_job_that_is_not_there(client: FlaskClient, reader: dict[str, str]) -> None:
    for path in ("", "/events"):
        refused(client.get(f"{BASE}/task/018f0000-0000-7000-8000-000000000000{path}", headers=reader), 404, "not_found")
    refused(client.get(f"{BASE}/task/nonsense", headers=reader), 404, "not_found")
    missing = {**reader, "Accept": "text/event-stream"}
    refused(client.get(f"{BASE}/task/018f0000-0000-7000-8000-000000000000/events", headers=missing), 404, "not_found")


def test_whoever_asks_often_gets_little(client: FlaskClient, reader: dict[str, str]) -> None:
    one = run(RunState.RUNNING, progress={"done": 1, "total": 2, "note": ""})
    assert get(client, f"/task/{one.id}/events", reader) == {
        "id": str(one.id),
        "state": "running",
        "attempt": 1,
        "progress": {"done": 1, "total": 2, "note": ""},
        "finished_at": None,
    }


def test_a_stream_tells_each_change_and_ends_with_the_job(client: FlaskClient, reader: dict[str, str]) -> None:
    one = run(RunState.RUNNING)
    answer = client.get(f"{BASE}/task/{one.id}/events", headers={**reader, "Accept": live.MIMETYPE}, buffered=False)
    assert answer.content_type.startswith(live.MIMETYPE)
    events = iter(answer.response)
    assert next(events) == b"retry: 1000\n\n"
    assert _state(next(events)) == "running"
    with transaction() as session:
        session.merge(one)
        row = session.get_one(type(one), one.id)
        row.state, row.finished_at, row.lease_until = RunState.SUCCEEDED, clock.now(), None
    assert _state(next(events)) == "succeeded"
    assert next(events, None) is None
    answer.close()


def test_streams_are_few_and_a_closed_one_makes_room(client: FlaskClient, reader: dict[str, str]) -> None:
    path = f"{BASE}/task/{run(RunState.RUNNING).id}/events"
    streaming = {**reader, "Accept": live.MIMETYPE}
    first = client.get(path, headers=streaming, buffered=False)
    refused(client.get(path, headers=streaming), 429, "too_many_streams")
    assert client.get(path, headers=reader).status_code == 200
    first.close()  # before it was read at all
    second = client.get(path, headers=streaming, buffered=False)
    assert second.status_code == 200
    second.close()


def test_a_stream_is_over_after_its_time(
    client: FlaskClient, reader: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "STREAM_SECONDS", 1.5)
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(live, "COMMENT_SECONDS", 0.1)
    one = run(RunState.RUNNING, started_at=clock.now() - timedelta(seconds=1))
    answer = client.get(f"{BASE}/task/{one.id}/events", headers={**reader, "Accept": live.MIMETYPE})
    assert answer.text.count("event: state") == 1
    assert ": still here" in answer.text
    answer.close()


def test_revoking_needs_the_scope_to_write(client: FlaskClient, reader: dict[str, str]) -> None:
    one = run()
    path = f"{BASE}/task/{one.id}/revoke"
    refused(client.post(path), 401, "unauthenticated")
    refused(client.post(path, headers=reader), 403, "insufficient_scope")
    refused(client.get(path, headers=reader), 405, "method_not_allowed")
    assert again(one.id).state is RunState.WAITING


def test_a_job_is_revoked_once_and_it_is_written_down(client: FlaskClient) -> None:
    owner = factories.member()
    writer = token(Scope.JOBS_WRITE, of=owner)
    waiting, running, over = run(), run(RunState.RUNNING), run(RunState.SUCCEEDED)
    for one, outcome in ((waiting, "cancelled"), (running, "stopping")):
        answer = client.post(f"{BASE}/task/{one.id}/revoke", headers=writer)
        assert (answer.status_code, answer.get_json()) == (200, {"id": str(one.id), "outcome": outcome})
    refused(client.post(f"{BASE}/task/{waiting.id}/revoke", headers=writer), 409, "conflict")
    refused(client.post(f"{BASE}/task/{over.id}/revoke", headers=writer), 409, "conflict")
    refused(client.post(f"{BASE}/task/018f0000-0000-7000-8000-000000000000/revoke", headers=writer), 404, "not_found")
    assert again(waiting.id).state is RunState.CANCELLED
    assert again(running.id).revoked_by == owner.user.email
    assert [(done.subject, done.actor, done.via) for done in actions()] == [
        (str(running.id), owner.user.email, Via.API),
        (str(waiting.id), owner.user.email, Via.API),
    ]


def _state(event: Any) -> str:
    kind, data = event.decode().strip().split("\n")
    assert kind == "event: state"
    return str(json.loads(data.removeprefix("data: "))["state"])
