"""The console under /admin/jobs: who may look, what each page shows, and what can be changed there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask
from redis import Redis

from jobs.runtime import job, schedules
from jobs.runtime.models import RunState
from tests import factories
from tests.conftest import Servers
from tests.jobs import sample
from tests.operations.background import again, later, listed, run
from tests.operations.conftest import HOSTILE
from tests.scheduling.pages import Visitor
from webapp.core import clock
from webapp.core.db import transaction
from webapp.identity.models import Membership, Role
from webapp.operations.models import Action, Alert, AlertKind, QueueSample
from webapp.operations.service import actions

HEALTH = "operations.check_system_health"
PAGES = [
    "",
    "/runs",
    "/unrecorded",
    "/schedules",
    f"/schedules/{HEALTH}",
    "/dead",
    "/workers",
    "/limits",
    "/alerts",
    "/changes",
]
CHANGES = [
    "/runs/018f0000-0000-7000-8000-000000000000/revoke",
    "/runs/018f0000-0000-7000-8000-000000000000/revoke-canvas",
    "/runs/018f0000-0000-7000-8000-000000000000/replay",
    "/runs/018f0000-0000-7000-8000-000000000000/discard",
    f"/schedules/{HEALTH}",
    f"/schedules/{HEALTH}/pause",
    f"/schedules/{HEALTH}/run",
    "/dead/replay",
    "/dead/discard",
    "/dead/replay-all",
    "/limits/smtp/close",
]
BASE = "/admin/jobs"


@job(queue="maintenance", rate="5/m", concurrency=1)
def limited() -> None:
    """Be limited."""


def send(app: Flask, member: Membership, *paths: str) -> set[int]:
    """Send changes as a member whose forms are right, but who may not; return the statuses of the answers."""
    visitor = Visitor(app).sign_in(member)
    token = dict(visitor.open("/account").form("/account").fields)["csrf_token"]
    return {visitor.client.post(f"{BASE}{path}", data={"csrf_token": token}).status_code for path in paths}


def test_strangers_are_asked_to_sign_in_and_members_turned_away(app: Flask, owner: Membership) -> None:
    stranger = Visitor(app)
    member = Visitor(app).sign_in(factories.member(of=owner.organization, role=Role.MEMBER))
    for path in [*PAGES, f"/runs/{run().id}"]:
        assert stranger.open(f"{BASE}{path}", status=303).answer.location.startswith("/sign-in")
        member.open(f"{BASE}{path}", status=403)


@pytest.mark.parametrize("role", [Role.MEMBER, Role.AUDITOR])
def test_who_may_not_change_anything_is_refused(app: Flask, owner: Membership, role: Role) -> None:
    member = factories.member(of=owner.organization, role=role)
    assert send(app, member, *CHANGES) == {403}
    assert not schedules.history(name=HEALTH)


def test_no_change_without_the_forms_token(app: Flask, visitor: Visitor) -> None:
    assert {visitor.client.post(f"{BASE}{path}").status_code for path in CHANGES} == {400}
    assert {visitor.client.get(f"{BASE}{path}").status_code for path in CHANGES if "schedules" not in path} <= {
        404,
        405,
    }


def test_an_auditor_sees_every_page_and_no_button(app: Flask, owner: Membership) -> None:
    auditor = Visitor(app).sign_in(factories.member(of=owner.organization, role=Role.AUDITOR))
    dead = run(RunState.DEAD)
    for path in [*PAGES, f"/runs/{dead.id}"]:
        page = auditor.open(f"{BASE}{path}")
        assert [form.action for form in page.forms if form.method == "post"] == ["/sign-out"]
    auditor.open("/admin/rq/", status=403)
    assert send(app, factories.member(role=Role.AUDITOR), "/dead/replay") == {403}


def test_an_auditor_may_mind_their_own_account_and_nothing_else(app: Flask) -> None:
    auditor = factories.member(role=Role.AUDITOR)
    visitor = Visitor(app).sign_in(auditor)
    form = visitor.open("/account").form("/account")
    visitor.send(form, {"name": "Another Name"})
    token = dict(form.fields)["csrf_token"]
    assert visitor.client.post("/app/event-types/new", data={"csrf_token": token}).status_code == 403


def test_only_the_organisation_that_runs_the_installation_looks_once_it_is_named(
    app: Flask, owner: Membership, with_setting: Callable[[str, str], None]
) -> None:
    with_setting("OPERATOR_ORGANIZATION", owner.organization.slug)
    Visitor(app).sign_in(factories.member()).open(BASE, status=403)
    Visitor(app).sign_in(owner).open(BASE)


def test_the_overview_shows_queues_their_last_hour_and_what_is_wrong(visitor: Visitor, redis: Redis) -> None:
    with transaction() as current:
        current.add(Alert(kind=AlertKind.DEEP_QUEUE, subject="email", value=1200, limit_value=1000))
        for minutes, done in ((10, 100), (5, 200), (0, 600)):
            numbers = {"queue": "email", "succeeded": done, "failed": done // 10, "run": {"count": done, "5": done}}
            depths = {"email": done, "bookings": 0}
            taken_at = clock.now() - timedelta(minutes=minutes)
            current.add(QueueSample(taken_at=taken_at, numbers={"queues": depths, "jobs": {"a.b": numbers}}))
    run()
    page = visitor.open(BASE)
    assert "No worker is alive" in page.words
    assert "1 alert is open" in page.words
    assert "9.1 %" in page.words  # 50 of 550 attempts
    assert "Attempts a minute in the last hour: now 88.0" in page.answer.text
    assert "style=" not in page.answer.text


def test_dead_letters_are_searched_and_dealt_with(visitor: Visitor) -> None:
    dead = [run(RunState.DEAD, name=sample.fail.name, queue="email", error=f"ValueError: {n}") for n in range(4)]
    assert "ValueError: 3" in visitor.open(f"{BASE}/dead").words
    found = visitor.open(f"{BASE}/dead?text=error: 1&name=fail&queue=email")
    assert listed(found.links) == [str(dead[1].id)]
    form = found.form("/replay")
    assert "1 job waits again" in visitor.follow(visitor.send(form, {"run": str(dead[1].id)})).words
    assert "Tick the jobs" in visitor.follow(visitor.send(form)).words
    form.action = f"{BASE}/dead/discard"
    assert "1 job is discarded" in visitor.follow(visitor.send(form, {"run": str(dead[2].id)})).words
    form.action = f"{BASE}/dead/replay-all"
    replaying = visitor.send(form).answer.location.rpartition("/")[2]
    assert again(UUID(replaying)).arguments["text"] == "error: 1"
    states = [again(each.id).state.value for each in dead]
    assert states == ["dead", "waiting", "cancelled", "dead"]
    assert {each.action for each in actions()} == {Action.REPLAY, Action.DISCARD, Action.REPLAY_ALL}


def test_dead_letters_come_in_pages(visitor: Visitor) -> None:
    expected = {str(run(RunState.DEAD).id) for _ in range(27)}
    first = visitor.open(f"{BASE}/dead")
    second = visitor.open(first.link("Show more"))
    assert len(listed(first.links)) == 25
    assert {*listed(first.links), *listed(second.links)} == expected
    visitor.open(f"{BASE}/dead?after=mangled")


def test_a_periodic_job_is_edited_reset_paused_and_run(visitor: Visitor) -> None:
    address = f"{BASE}/schedules/{HEALTH}"
    form = visitor.open(address).form(f"/{HEALTH}")
    saved = visitor.follow(visitor.send(form, {"cron": "*/5 * * * *", "timezone": "Asia/Kolkata"}))
    assert "Saved" in saved.words
    assert "* * * * * UTC → */5 * * * * Asia/Kolkata" in saved.words
    assert "It is paused" in visitor.follow(visitor.send(saved.form("/pause"))).words
    assert "runs again" in visitor.follow(visitor.send(visitor.open(address).form("/resume"))).words
    ran = visitor.follow(visitor.send(saved.form("/run")))
    assert "asked for by" in ran.words
    assert "as the code says" in visitor.follow(visitor.send(saved.form("/reset"))).words
    assert schedules.get(HEALTH).cron == "* * * * *"
    assert [each.action for each in actions(subject=HEALTH)][::-1] == [
        Action.EDIT_SCHEDULE,
        Action.PAUSE_SCHEDULE,
        Action.RESUME_SCHEDULE,
        Action.RUN_SCHEDULE,
        Action.RESET_SCHEDULE,
    ]
    visitor.open(f"{BASE}/schedules/no.such", status=404)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"cron": "nonsense"}, "nonsense"),
        ({"cron": ""}, "five fields"),
        ({"timezone": "Mars/Crater"}, "not a time zone"),
        ({"arguments": "[1]"}, "JSON object"),
        ({"arguments": '{"unknown": 1}'}, "unknown"),
    ],
)
def test_a_periodic_job_is_not_made_to_nonsense(visitor: Visitor, wrong: dict[str, str], said: str) -> None:
    form = visitor.open(f"{BASE}/schedules/{HEALTH}").form(f"/{HEALTH}")
    assert said in visitor.send(form, dict(wrong), status=422).words
    assert not schedules.get(HEALTH).is_edited


def test_limits_and_breakers(visitor: Visitor, redis: Redis) -> None:
    redis.sadd("almanac:breakers", "smtp")
    redis.hset(
        "almanac:breaker:smtp", mapping={"failures": 3, "open_until": int((later(seconds=60)).timestamp() * 1000)}
    )
    page = visitor.open(f"{BASE}/limits")
    assert limited.name in page.words
    assert "5 in 60 s" in page.words
    assert "smtp Open" in page.words
    assert "is called again" in visitor.follow(visitor.send(page.form("/close"))).words


def test_workers_alerts_and_changes(visitor: Visitor, redis: Redis, hostile_worker: None) -> None:
    assert HOSTILE not in visitor.open(f"{BASE}/workers").answer.text
    with transaction() as current:
        current.add(Alert(kind=AlertKind.SLOW_JOB, subject=HEALTH, value=93, limit_value=30))
        over = {"raised_at": later(hours=-2), "recovered_at": later(hours=-1)}
        current.add(Alert(kind=AlertKind.MEMORY, subject="host", value=0.9, limit_value=0.8, **over))
    page = visitor.open(f"{BASE}/alerts")
    assert "It took: 1 min 33 s · All right: up to 30 s" in page.words
    assert "lasted 1 h 0 min" in page.words
    one = run()
    visitor.send(visitor.open(f"{BASE}/runs/{one.id}").form("/revoke"))
    assert str(one.id) in visitor.open(f"{BASE}/changes").words


def test_without_redis_what_the_database_knows_is_shown(visitor: Visitor, servers: Servers) -> None:
    one = run(RunState.RUNNING)
    servers.jobs_redis.stop()
    try:
        for path in ("", "/workers", "/limits"):
            assert "Redis" in visitor.open(f"{BASE}{path}", status=503).words
        for path in ("/runs", f"/runs/{one.id}", "/dead", "/schedules", "/alerts"):
            visitor.open(f"{BASE}{path}")
    finally:
        servers.jobs_redis.start()
