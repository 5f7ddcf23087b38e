"""Runs and canvases in the console under /admin/jobs: found, shown, followed, revoked, replayed and discarded."""

from __future__ import annotations

from uuid import uuid4

from sqlalchemy import select

from jobs.runtime import Secret, chain, execute, group, job
from jobs.runtime.models import JobCanvas, JobRun, RunState
from tests.identity.browser import SeparateRequests
from tests.jobs import flows, sample
from tests.operations.background import again, failed_attempt, later, listed, run
from tests.operations.conftest import HOSTILE
from tests.scheduling.pages import Visitor
from webapp.core.db import session
from webapp.identity.models import Membership
from webapp.operations import live
from webapp.operations.models import Action, Via
from webapp.operations.service import actions

BASE = "/admin/jobs"


@job(queue="maintenance")
def whisper(word: Secret[str]) -> None:
    """Take a secret."""


def test_runs_are_listed_by_filter(visitor: Visitor) -> None:
    failed = run(RunState.DEAD, name=sample.fail.name, queue="email", error=f"ValueError: {HOSTILE}")
    later_on = run(run_at=later(hours=1), arguments={"booking_id": "b-77", "password": "hunter2"})
    run(RunState.SUCCEEDED)
    everything = visitor.open(f"{BASE}/runs")
    assert HOSTILE not in everything.answer.text
    assert "hunter2" not in everything.answer.text
    assert len(listed(everything.links)) == 3
    for query, expected in {
        "state=dead": [failed],
        "state=scheduled": [later_on],
        f"name={sample.fail.name}": [failed],
        "queue=email": [failed],
        "queue=email&state=queued": [],
        "text=B-77": [later_on],
        "since=2020-01-01T00:00&text=b-77": [later_on],
        "until=2020-01-01T00:00": [],
        "since=0001-01-01&until=9999-12-31&text=b-77": [later_on],
        "until=0001-01-01": [],
        "since=9999-12-31T23:59": [],
        "since=9999-12-31": [],
    }.items():
        assert listed(visitor.open(f"{BASE}/runs?{query}").links) == [str(each.id) for each in expected], query


def test_a_mangled_filter_shows_everything(visitor: Visitor) -> None:
    one = run()
    for query in ("state=what", "queue=what", "since=yesterday", "before=what", "text=%00"):
        assert listed(visitor.open(f"{BASE}/runs?{query}").links) == [str(one.id)], query


def test_runs_come_in_pages(visitor: Visitor) -> None:
    expected = [str(run().id) for _ in range(30)][::-1]
    first = visitor.open(f"{BASE}/runs?queue=maintenance")
    second = visitor.open(first.link("Show more"))
    assert listed(first.links) + listed(second.links) == expected
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


def test_the_steps_of_a_whole_come_in_pages(visitor: Visitor) -> None:
    group(*(sample.mark.s(str(number)) for number in range(60))).start()
    steps = [str(run_id) for run_id in session().scalars(select(JobRun.id).order_by(JobRun.id))]
    first = visitor.open(f"{BASE}/runs/{steps[7]}")
    second = visitor.open(first.link("Show more"))
    last = visitor.open(second.link("Show more"))
    assert [listed(page.links) for page in (first, second, last)] == [steps[:25], steps[25:50], steps[50:]]
    assert last.link("Back to the start") == f"{BASE}/runs/{steps[7]}#canvas"


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
