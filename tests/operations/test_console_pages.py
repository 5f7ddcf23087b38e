"""The console under /admin/jobs: who may look, what each page shows, and what can be changed there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from flask import Flask
from redis import Redis

from jobs import schedule as table
from jobs.runtime import Secret, chain, execute, group, job, schedules
from jobs.runtime.models import JobCanvas, JobRun, RunState
from tests import factories
from tests.conftest import Servers
from tests.identity.browser import SeparateRequests
from tests.jobs import flows, sample
from tests.operations.background import again, failed_attempt, later, run
from tests.operations.conftest import HOSTILE
from tests.scheduling.pages import Visitor
from webapp.core import clock
from webapp.core.db import session, transaction
from webapp.identity.models import Membership, Role
from webapp.operations import live
from webapp.operations.models import Action, Alert, AlertKind, QueueSample, Via
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


@job(queue="maintenance")
def whisper(word: Secret[str]) -> None:
    """Take a secret."""


@job(queue="maintenance", rate="5/m", concurrency=1)
def limited() -> None:
    """Be limited."""


@pytest.fixture
def owner(app: Flask) -> Membership:
    with transaction():
        schedules.seed(table.SCHEDULE)
    return factories.member()


@pytest.fixture
def visitor(app: Flask, owner: Membership) -> Visitor:
    return Visitor(app).sign_in(owner)


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


def test_runs_are_listed_by_filter(visitor: Visitor) -> None:
    failed = run(RunState.DEAD, name=sample.fail.name, queue="email", error=f"ValueError: {HOSTILE}")
    later_on = run(run_at=later(hours=1), arguments={"booking_id": "b-77", "password": "hunter2"})
    run(RunState.SUCCEEDED)
    everything = visitor.open(f"{BASE}/runs")
    assert HOSTILE not in everything.answer.text
    assert "hunter2" not in everything.answer.text
    assert len(_runs(everything.links)) == 3
    for query, expected in {
        "state=dead": [failed],
        "state=scheduled": [later_on],
        f"name={sample.fail.name}": [failed],
        "queue=email": [failed],
        "queue=email&state=queued": [],
        "text=B-77": [later_on],
        "since=2020-01-01T00:00&text=b-77": [later_on],
        "until=2020-01-01T00:00": [],
    }.items():
        assert _runs(visitor.open(f"{BASE}/runs?{query}").links) == [str(each.id) for each in expected], query


def test_a_mangled_filter_shows_everything(visitor: Visitor) -> None:
    one = run()
    for query in ("state=what", "queue=what", "since=yesterday", "before=what", "text=%00"):
        assert _runs(visitor.open(f"{BASE}/runs?{query}").links) == [str(one.id)], query


def test_runs_come_in_pages(visitor: Visitor) -> None:
    expected = [str(run().id) for _ in range(30)][::-1]
    first = visitor.open(f"{BASE}/runs?queue=maintenance")
    second = visitor.open(first.link("Show more"))
    assert _runs(first.links) + _runs(second.links) == expected
    assert visitor.open(second.link("Back to the start")).answer.status_code == 200


def test_the_id_of_a_run_leads_to_it(visitor: Visitor) -> None:
    one = run()
    found = visitor.open(f"{BASE}/runs?text={one.id}", status=302)
    assert found.answer.location == f"{BASE}/runs/{one.id}"


def test_a_run_shows_all_that_is_known_of_it(visitor: Visitor) -> None:
    parent = run(RunState.SUCCEEDED, name="bookings.process_booking_confirmation")
    one = run(RunState.DEAD, parent_id=parent.id, arguments={"x": HOSTILE}, attempt=2, error="ValueError: twice")
    failed_attempt(one, "once alm_abcdefghijklmnop", attempt=1, traceback=f"Traceback {HOSTILE}")
    failed_attempt(one, "twice", attempt=2)
    child = run(parent_id=one.id, name="notifications.send_booking_reminder")
    page = visitor.open(f"{BASE}/runs/{one.id}")
    for words in (
        "Dead",
        "Attempt 1",
        "ValueError: once [hidden]",
        "Attempt 2",
        "host.1.abcd",
        parent.name,
        child.name,
    ):
        assert words in page.words, words
    assert HOSTILE not in page.answer.text
    visitor.open(f"{BASE}/runs/{uuid4()}", status=404)


def test_a_secret_argument_is_never_shown(visitor: Visitor) -> None:
    run_id = whisper.enqueue(Secret("canary-in-the-coal-mine"))
    for path in (f"/runs/{run_id}", "/runs", "/runs?text=canary"):
        text = visitor.open(f"{BASE}{path}").answer.text
        assert "canary-in" not in text
        assert "gAAAA" not in text


def test_a_run_is_revoked_once_and_the_page_says_who_did_it(visitor: Visitor, owner: Membership) -> None:
    waiting = run()
    form = visitor.open(f"{BASE}/runs/{waiting.id}").form("/revoke")
    page = visitor.follow(visitor.send(form))
    assert "will not run" in page.words
    assert f"Revoked by {owner.user.email}" in page.words
    assert again(waiting.id).state is RunState.CANCELLED
    assert "has ended already" in visitor.follow(visitor.send(form)).words
    running = run(RunState.RUNNING)
    stopping = visitor.follow(visitor.send(visitor.open(f"{BASE}/runs/{running.id}").form("/revoke")))
    assert "Told to stop" in stopping.words
    assert [(each.action, each.via) for each in actions()] == [(Action.REVOKE, Via.PAGE)] * 2


def test_a_whole_canvas_is_shown_and_revoked(visitor: Visitor) -> None:
    chain(sample.mark.s("one"), sample.mark.s("two")).start()
    first = session().query(JobRun).filter(JobRun.canvas_id.is_not(None)).one()
    page = visitor.open(f"{BASE}/runs/{first.id}")
    assert "chain, running: 0 of 2 steps are over" in page.words
    assert "what runs was told to stop" in visitor.follow(visitor.send(page.form("/revoke-canvas"))).words
    assert again(first.id).state is RunState.CANCELLED


def test_a_step_of_an_inner_canvas_shows_and_revokes_the_whole(visitor: Visitor) -> None:
    inner = chain(sample.mark.s("two"), sample.mark.s("three"))
    canvas_id = group(sample.mark.s("one"), inner, sample.mark.s("four")).start()
    steps = session().query(JobRun).filter(JobRun.canvas_id.is_not(None)).all()
    (inside,) = [step for step in steps if step.canvas_id != canvas_id]
    page = visitor.open(f"{BASE}/runs/{inside.id}")
    assert "group, running: 0 of 4 steps are over" in page.words
    assert {f"{BASE}/runs/{step.id}" for step in steps} <= {href for href, _words in page.links}
    visitor.send(page.form("/revoke-canvas"))
    assert {again(step.id).state for step in steps} == {RunState.CANCELLED}


def test_a_whole_that_is_being_undone_cannot_be_revoked(visitor: Visitor) -> None:
    undoing = flows.keep.s(1).compensated_by(flows.keep.s(2))
    canvas_id = chain(undoing, sample.refuse.s("no"), on_failure="compensate").start()
    form = visitor.open(f"{BASE}/runs/{newest_step().id}").form("/revoke-canvas")
    for _ in range(2):
        execute.run(newest_step().id)
    assert "goes on to its end" in visitor.follow(visitor.send(form)).words
    assert "Revoke the whole" not in visitor.open(f"{BASE}/runs/{newest_step().id}").words
    assert session().get_one(JobCanvas, canvas_id).revoked_by is None


def newest_step() -> JobRun:
    session().rollback()
    return session().query(JobRun).filter(JobRun.canvas_id.is_not(None)).order_by(JobRun.id.desc()).limit(1).one()


def test_a_dead_step_of_a_revoked_whole_is_not_replayed(visitor: Visitor) -> None:
    group(sample.refuse.s("no"), sample.mark.s("one"), on_failure="continue").start()
    dead = session().query(JobRun).filter_by(name=sample.refuse.name).one()
    execute.run(dead.id)
    page = visitor.open(f"{BASE}/runs/{dead.id}")
    visitor.send(page.form("/revoke-canvas"))
    assert "was revoked, so nothing of it may begin" in visitor.follow(visitor.send(page.form("/replay"))).words
    assert again(dead.id).state is RunState.DEAD


def test_a_dead_run_is_replayed_or_discarded(visitor: Visitor) -> None:
    one, other = run(RunState.DEAD), run(RunState.DEAD)
    replay = visitor.open(f"{BASE}/runs/{one.id}").form("/replay")
    assert "waits again" in visitor.follow(visitor.send(replay)).words
    assert "may have been replayed" in visitor.follow(visitor.send(replay)).words
    discard = visitor.open(f"{BASE}/runs/{other.id}").form("/discard")
    assert "is discarded" in visitor.follow(visitor.send(discard)).words
    assert "not among the dead letters" in visitor.follow(visitor.send(discard)).words
    assert (again(one.id).state, again(other.id).state) == (RunState.WAITING, RunState.CANCELLED)


def test_following_a_run_with_the_browsers_own_session(visitor: Visitor) -> None:
    one = run(RunState.SUCCEEDED, progress={"done": 2, "total": 2, "note": ""})
    path = f"{BASE}/runs/{one.id}/events"
    assert visitor.client.get(path).get_json()["progress"] == {"done": 2, "total": 2, "note": ""}
    with visitor.client.get(path, headers={"Accept": live.MIMETYPE}) as answer:
        assert b'"state": "succeeded"' in answer.get_data()
    with SeparateRequests(visitor.client.application, visitor.client.response_wrapper).get(path) as answer:
        assert answer.status_code == 303


def test_dead_letters_are_searched_and_dealt_with(visitor: Visitor) -> None:
    dead = [run(RunState.DEAD, name=sample.fail.name, queue="email", error=f"ValueError: {n}") for n in range(4)]
    assert "ValueError: 3" in visitor.open(f"{BASE}/dead").words
    found = visitor.open(f"{BASE}/dead?text=error: 1&name=fail&queue=email")
    assert _runs(found.links) == [str(dead[1].id)]
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
    assert len(_runs(first.links)) == 25
    assert {*_runs(first.links), *_runs(second.links)} == expected
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


def _runs(links: list[tuple[str, str]]) -> list[str]:
    return [href.rpartition("/")[2] for href, _words in links if href.startswith(f"{BASE}/runs/")]
