"""What died in a canvas is replayed: the whole takes its work up again, or refuses."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from jobs.runtime import (
    RESULT,
    Revoked,
    carrier,
    chain,
    dead_letters,
    execute,
    group,
    handover,
    revoke_canvas,
    settle,
    store,
)
from jobs.runtime.models import JobRun, RunState
from tests.jobs import flows, sample
from tests.jobs.canvases import STATES, counts, members, replay, view
from tests.jobs.test_running_jobs import work
from tests.jobs.workers import queued, row
from webapp.core.db import session, transaction

pytestmark = pytest.mark.usefixtures("effects")


def test_replaying_a_dead_step_takes_its_chain_up_again() -> None:
    canvas_id = chain(
        flows.same.s("no number"), chain(flows.add.s(RESULT), flows.add.s(RESULT)), flows.same.s(RESULT)
    ).start()
    work()
    assert counts(view(canvas_id)) == (STATES.FAILED, 1, 1, 1)
    (dead,) = members(view(canvas_id).nodes[0].id)
    with transaction():
        session().execute(update(JobRun).where(JobRun.canvas_id == canvas_id).values(result={"value": 5}))
    replay(dead.id)
    assert sample.marks() == {"same no number": 1, "add 5 1": 1, "add 6 1": 1, "same 7": 1}
    assert counts(view(canvas_id)) == (STATES.SUCCEEDED, 3, 0, 0)


def test_replaying_a_dead_member_of_a_group_brings_back_what_was_cancelled_because_of_it() -> None:
    inner = chain(flows.number.s(2), flows.number.s(3))
    canvas_id = chain(group(flows.same.s("x"), flows.fail.s("y"), flows.number.s(1), inner), flows.number.s(4)).start()
    work()
    whole = view(canvas_id)
    assert counts(whole.nodes[0]) == (STATES.FAILED, 1, 1, 2)
    dead = members(whole.nodes[0].id)[1]
    with transaction():
        session().execute(
            update(JobRun).where(JobRun.id == dead.id).values(name=flows.same.name, arguments={"value": "y"})
        )
    replay(dead.id)
    assert sample.marks() == {"same x": 1, "fail y": 1, "same y": 1, **{f"number {n}": 1 for n in (1, 2, 3, 4)}}
    whole = view(canvas_id)
    assert counts(whole) == (STATES.SUCCEEDED, 2, 0, 0)
    assert counts(whole.nodes[0]) == (STATES.SUCCEEDED, 4, 0, 0)
    assert counts(whole.nodes[0].nodes[0]) == (STATES.SUCCEEDED, 2, 0, 0)


def test_a_step_that_dies_again_after_its_replay_ends_its_canvas_again() -> None:
    canvas_id = group(flows.fail.s("x"), flows.number.s(1)).start()
    work()
    dead = members(canvas_id)[0]
    replay(dead.id)
    assert counts(view(canvas_id)) == (STATES.FAILED, 0, 1, 1)
    assert sample.marks() == {"fail x": 2}


def test_replaying_what_a_canvas_has_gone_on_without_mends_its_count() -> None:
    canvas_id = chain(flows.fail.s("x"), flows.number.s(1), on_failure="continue").start()
    work()
    dead = members(canvas_id)[0]
    with transaction():
        session().execute(
            update(JobRun).where(JobRun.id == dead.id).values(name=flows.same.name, arguments={"value": 0})
        )
    replay(dead.id)
    assert counts(view(canvas_id)) == (STATES.SUCCEEDED, 2, 0, 0)
    assert sample.marks() == {"fail x": 1, "number 1": 1, "same 0": 1}


def test_replaying_a_dead_step_of_a_revoked_canvas_begins_nothing() -> None:
    canvas_id = group(flows.fail.s("x"), flows.number.s(1), flows.number.s(2), on_failure="continue").start()
    dead, running, _waiting = members(canvas_id)
    execute.run(dead.id)
    with transaction():
        claim = store.take(running.id, worker="slow", lease=60)
    assert claim is not None
    revoke_canvas(canvas_id, by="anna")
    for _ in ("while it stops", "when it has ended"):
        with pytest.raises(handover.NotResumable, match="was revoked"):
            replay(dead.id)
        if view(canvas_id).state is STATES.STOPPING:
            with transaction():
                settle.settle_failure(claim, Revoked("revoked"))
    work()
    assert sample.marks() == {"fail x": 1}
    assert counts(view(canvas_id)) == (STATES.FAILED, 0, 1, 2)


def test_a_dead_step_inside_of_what_was_revoked_cannot_be_taken_up_either() -> None:
    inner = group(flows.fail.s("x"), flows.number.s(1), flows.number.s(2), on_failure="continue")
    canvas_id = group(inner, flows.number.s(3)).start()
    dead, running, _waiting = members(view(canvas_id).nodes[0].id)
    execute.run(dead.id)
    with transaction():
        assert store.take(running.id, worker="slow", lease=60) is not None
    revoke_canvas(canvas_id, by="anna")
    with pytest.raises(handover.NotResumable, match="was revoked"):
        replay(dead.id)
    work()
    assert sample.marks() == {"fail x": 1}


def test_among_many_to_be_replayed_those_that_cannot_be_stay_dead_and_shown_as_dead() -> None:
    undoing = flows.number.s(1).compensated_by(flows.undo.s("it"))
    undone = chain(undoing, flows.fail.s("x"), on_failure="compensate").start()
    failed = chain(flows.same.s("y"), flows.fail.s("z")).start()
    work()
    lost, other = members(undone)[1].id, members(failed)[1].id
    with transaction():
        assert dead_letters.replay_many([lost, other]) == [other]
    assert row(lost).state is RunState.DEAD
    assert queued(carrier.DEAD_LETTER) == [str(lost)]
    assert queued("maintenance") == [str(other)]


def test_what_was_undone_cannot_be_taken_up_again() -> None:
    undoing = flows.number.s(1).compensated_by(flows.undo.s("it"))
    canvas_id = chain(undoing, flows.fail.s("x"), on_failure="compensate").start()
    work()
    dead = members(canvas_id)[1]
    with pytest.raises(handover.NotResumable, match="start it anew"):
        replay(dead.id)
    assert view(canvas_id).state is STATES.COMPENSATED
