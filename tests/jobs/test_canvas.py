"""Work of several jobs: results are handed on, failures have the consequence that was chosen, nothing is stranded."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select, update

from jobs.runtime import (
    RESULT,
    chain,
    chord,
    execute,
    group,
    reconcile,
    runs,
    settle,
    store,
)
from jobs.runtime.models import CanvasKind, JobCanvas, JobRun, RunState
from tests.jobs import flows, limited, sample
from tests.jobs.canvases import STATES, counts, members, result, run, run_one, started, view
from tests.jobs.test_running_jobs import work
from webapp.core.db import session, transaction

pytestmark = pytest.mark.usefixtures("effects")


def test_a_chain_hands_each_result_to_the_next_step() -> None:
    canvas_id = chain(flows.number.s(1), flows.add.s(RESULT, more=10), flows.add.s(RESULT, RESULT)).start()
    assert counts(view(canvas_id)) == (STATES.RUNNING, 0, 0, 0)
    work()
    assert [result(run) for run in members(canvas_id)] == [1, 11, 22]
    done = view(canvas_id)
    assert counts(done) == (STATES.SUCCEEDED, 3, 0, 0)
    assert (done.kind, done.total, done.fraction) == (CanvasKind.CHAIN, 3, 1.0)
    assert done.finished_at is not None


@pytest.mark.parametrize("value", [{"a": 1}, {"value": 3}, [1, None], "x", None, 0])
def test_a_result_arrives_as_it_was_returned(value: Any) -> None:
    chain(flows.same.s(value), flows.same.s(RESULT)).start()
    work()
    assert sample.marks() == {f"same {value}": 2}


def test_a_chord_hands_the_results_of_its_group_on_in_their_order() -> None:
    canvas_id = chord(group(*(flows.number.s(n) for n in range(5))), flows.total.s(RESULT)).start()
    work()
    assert sample.marks()["total [0, 1, 2, 3, 4]"] == 1
    assert counts(view(canvas_id)) == (STATES.SUCCEEDED, 2, 0, 0)
    assert view(canvas_id).steps_over == 6


def test_canvases_nest() -> None:
    inner = chord(
        group(flows.add.s(RESULT, 1), chain(flows.add.s(RESULT, 2), flows.add.s(RESULT, 3))), flows.total.s(RESULT)
    )
    canvas_id = chain(flows.number.s(10), group(inner, flows.add.s(RESULT, 100)), flows.total.s(RESULT)).start()
    work()
    assert sample.marks() == {
        "number 10": 1,
        "add 10 1": 1,
        "add 10 2": 1,
        "add 12 3": 1,
        "total [11, 15]": 1,
        "add 10 100": 1,
        "total [26, 110]": 1,
    }
    assert counts(view(canvas_id)) == (STATES.SUCCEEDED, 3, 0, 0)
    assert view(canvas_id).steps == 7


def test_the_whole_shows_how_far_it_is() -> None:
    canvas_id = chain(flows.number.s(1), group(flows.number.s(2), flows.number.s(3)), flows.number.s(4)).start()
    seen = []
    while view(canvas_id).state is STATES.RUNNING:
        seen.append(view(canvas_id).steps_over)
        run_one()
    assert seen == [0, 1, 2, 3]
    assert view(canvas_id).fraction == 1


def test_a_canvas_without_steps_is_done_at_once() -> None:
    assert view(group().start()).state is STATES.SUCCEEDED
    assert view(chain().start()).state is STATES.SUCCEEDED
    canvas_id = chain(group(), chord(group(group()), flows.total.s([])), group(chain())).start()
    work()
    assert sample.marks() == {"total []": 1}
    assert counts(view(canvas_id)) == (STATES.SUCCEEDED, 3, 0, 0)


def test_a_group_that_is_only_enqueued_has_no_row_of_its_own() -> None:
    ids = group(flows.number.s(1), flows.number.s(2)).enqueue()
    work()
    assert sample.marks() == {"number 1": 1, "number 2": 1}
    with transaction():
        assert session().scalars(select(JobCanvas)).all() == []
        assert [run.canvas_id for run in session().scalars(select(JobRun).where(JobRun.id.in_(ids)))] == [None, None]


def test_a_canvas_is_begun_in_the_callers_transaction() -> None:
    def change_of_mind() -> None:
        with transaction():
            chain(flows.number.s(1), flows.number.s(2)).start()
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        change_of_mind()
    work()
    assert sample.marks() == {}
    flows.number.enqueue(3)
    work()
    assert sample.marks() == {"number 3": 1}


def test_after_a_dead_step_a_chain_begins_no_other() -> None:
    canvas_id = chain(flows.number.s(1), flows.fail.s("x"), flows.number.s(2), group(flows.number.s(3))).start()
    work()
    assert sample.marks() == {"number 1": 1, "fail x": 1}
    assert counts(view(canvas_id)) == (STATES.FAILED, 1, 1, 2)
    assert view(canvas_id).fraction == 1


def test_after_a_dead_member_what_waits_of_a_group_is_cancelled_at_any_depth() -> None:
    waiting = chain(flows.number.s(2), flows.number.s(3))
    canvas_id = chain(group(flows.fail.s("x"), flows.number.s(1), waiting), flows.number.s(4)).start()
    work()
    assert sample.marks() == {"fail x": 1}
    whole = view(canvas_id)
    assert counts(whole) == (STATES.FAILED, 0, 1, 1)
    assert counts(whole.nodes[0]) == (STATES.FAILED, 0, 1, 2)
    assert counts(whole.nodes[0].nodes[0]) == (STATES.CANCELLED, 0, 0, 2)
    assert {run.state for run in members(whole.nodes[0].id)} == {RunState.DEAD, RunState.CANCELLED}


def test_what_is_under_way_when_a_group_stops_is_waited_for() -> None:
    canvas_id = group(flows.number.s(1), flows.fail.s("x")).start()
    running, failing = members(canvas_id)
    with transaction():
        claim = store.take(running.id, worker="slow", lease=60)
    assert claim is not None
    execute.run(failing.id)
    assert counts(view(canvas_id)) == (STATES.STOPPING, 0, 1, 0)
    with transaction():
        settle.end(claim, state=RunState.SUCCEEDED, result={"value": 1})
    assert counts(view(canvas_id)) == (STATES.FAILED, 1, 1, 0)


def test_a_step_that_waits_for_its_next_try_does_not_begin_once_its_canvas_has_stopped() -> None:
    canvas_id = group(flows.fail_for_now.s("again"), flows.fail.s("x")).start()
    retried, failing = members(canvas_id)
    with transaction():  # taken when the canvas stops, so that it is not cancelled with the rest
        claim = store.take(retried.id, worker="slow", lease=60)
    assert claim is not None
    execute.run(failing.id)
    with transaction():
        store.put_back(claim, delay=0, failed=True)
    assert execute.run(retried.id) is RunState.CANCELLED
    assert sample.marks() == {"fail x": 1}
    assert counts(view(canvas_id)) == (STATES.FAILED, 0, 1, 1)


def test_a_canvas_that_continues_goes_on_without_the_failed() -> None:
    members_of_group = group(flows.number.s(1), flows.fail.s("x"), flows.number.s(3), on_failure="continue")
    canvas_id = chain(members_of_group, flows.total.s(RESULT)).start()
    work()
    assert sample.marks()["total [1, None, 3]"] == 1
    whole = view(canvas_id)
    assert counts(whole) == (STATES.SUCCEEDED, 2, 0, 0)
    assert counts(whole.nodes[0]) == (STATES.SUCCEEDED, 2, 1, 0)


def test_a_chain_that_continues_hands_on_none_for_what_failed() -> None:
    canvas_id = chain(flows.fail.s("x"), flows.same.s(RESULT), on_failure="continue").start()
    work()
    assert sample.marks() == {"fail x": 1, "same None": 1}
    assert counts(view(canvas_id)) == (STATES.SUCCEEDED, 1, 1, 0)


def test_what_is_done_is_undone_in_reverse_order_with_its_own_results() -> None:
    canvas_id = chain(
        flows.number.s(1).compensated_by(flows.undo.s(RESULT)),
        group(
            flows.add.s(RESULT, 1).compensated_by(flows.undo.s(RESULT)),
            chain(flows.add.s(RESULT, 2).compensated_by(flows.undo.s("own"))),
        ),
        flows.number.s(7),
        flows.fail.s("x").compensated_by(flows.undo.s("never")),
        flows.number.s(8),
        on_failure="compensate",
    ).start()
    work()
    assert started()[-3:] == ["undo"] * 3
    assert {mark for mark in sample.marks() if mark.startswith("undo")} == {"undo 1", "undo 2", "undo own"}
    whole = view(canvas_id)
    assert counts(whole) == (STATES.COMPENSATED, 3, 1, 1)
    compensation = next(node for node in whole.nodes if node.kind is CanvasKind.COMPENSATION)
    assert counts(compensation) == (STATES.SUCCEEDED, 3, 0, 0)
    undone = [run.arguments for run in members(compensation.id)]
    assert undone == [{"what": "own"}, {}, {}], "the last step first"


def test_a_compensation_that_fails_does_not_keep_the_others_from_being_done() -> None:
    canvas_id = chain(
        flows.number.s(1).compensated_by(flows.undo.s("first")),
        flows.number.s(2).compensated_by(flows.fail.s("second")),
        flows.fail.s("x"),
        on_failure="compensate",
    ).start()
    work()
    assert sample.marks() == {"number 1": 1, "number 2": 1, "fail x": 1, "fail second": 1, "undo first": 1}
    assert view(canvas_id).state is STATES.FAILED


def test_a_nested_canvas_that_compensates_counts_as_failed_outside_and_is_undone_once() -> None:
    inner = chain(flows.number.s(1).compensated_by(flows.undo.s("inner")), flows.fail.s("x"), on_failure="compensate")
    outer = chain(flows.number.s(0).compensated_by(flows.undo.s("outer")), inner, on_failure="compensate").start()
    work()
    assert sample.marks() == {"number 0": 1, "number 1": 1, "fail x": 1, "undo inner": 1, "undo outer": 1}
    assert counts(view(outer)) == (STATES.COMPENSATED, 1, 1, 0)


def test_nothing_to_undo_is_a_plain_failure() -> None:
    assert view(run(chain(flows.fail.s("x"), on_failure="compensate").start())).state is STATES.FAILED


def test_a_poison_pill_ends_its_canvas_too() -> None:
    canvas_id = chain(flows.number.s(1), flows.number.s(2)).start()
    (first,) = members(canvas_id)
    for _ in range(3):
        with transaction():
            assert store.take(first.id, worker="doomed", lease=60) is not None
            session().execute(update(JobRun).where(JobRun.id == first.id).values(lease_until=datetime.now(UTC)))
        reconcile.free_interrupted()
    assert counts(view(canvas_id)) == (STATES.FAILED, 0, 1, 1)


def test_a_step_that_cannot_take_what_it_is_handed_is_dead_at_once() -> None:
    canvas_id = chain(flows.same.s("text"), flows.add.s(RESULT)).start()
    work()
    dead = members(canvas_id)[1]
    assert (dead.state, dead.attempt) == (RunState.DEAD, 1)
    assert "what the steps before it returned" in (dead.error or "")
    assert view(canvas_id).state is STATES.FAILED


@pytest.mark.parametrize(
    ("canvas", "complaint"),
    [
        (chain(flows.add.s(RESULT)), "no step comes before it"),
        (group(flows.number.s(1), flows.add.s(RESULT)), "no step comes before it"),
        (chain(flows.number.s(1), sample.mark_cheaply.s("x")), "durable=False"),
        (chain(flows.number.s(1).compensated_by(sample.mark_cheaply.s("x"))), "durable=False"),
    ],
)
def test_a_canvas_that_could_not_work_is_refused(canvas: Any, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        canvas.start()


def test_steps_that_need_a_canvas_are_not_enqueued_alone() -> None:
    with pytest.raises(ValueError, match="step of a canvas"):
        flows.add.s(RESULT).enqueue()
    with pytest.raises(ValueError, match="keep count"):
        group(chain(flows.number.s(1))).enqueue()


def test_jobs_of_all_kinds_are_enqueued_together_and_all_or_none() -> None:
    assert group().enqueue() == []
    with suppress(LookupError), transaction():
        group(flows.number.s(1), flows.number.s(2)).enqueue()
        raise LookupError
    cheap, number, counted = group(
        sample.mark_cheaply.s("cheap"), flows.number.s(1), limited.one_for_each_calendar.s("hers")
    ).enqueue()
    with transaction():
        rows = {run.id: run for run in session().scalars(select(JobRun))}
    assert {run_id: rows[run_id].name for run_id in rows} == {
        number: flows.number.name,
        counted: limited.one_for_each_calendar.name,
    }
    assert rows[counted].slot_key
    assert rows[number].slot_key is None
    assert cheap not in rows
    work()
    assert sample.marks() == {"cheap": 1, "number 1": 1}
    assert len(limited.begun("hers")) == 1


def test_a_wide_group_ends_once_and_its_callback_has_all_results() -> None:
    wide = 300
    canvas_id = chord(group(*(flows.add.s(n) for n in range(wide))), flows.total.s(RESULT)).start()
    work()
    assert counts(view(canvas_id)) == (STATES.SUCCEEDED, 2, 0, 0)
    assert result(members(canvas_id)[0]) == sum(range(1, wide + 1))


def test_a_canvas_that_has_ended_is_purged_as_a_whole() -> None:
    old = run(chain(flows.number.s(1), group(flows.number.s(2))).start())
    failed = run(chain(flows.fail.s("x"), flows.number.s(1)).start())
    with transaction():
        session().execute(
            update(JobCanvas).values(finished_at=datetime(2020, 1, 1, tzinfo=UTC)).where(JobCanvas.root_id == old)
        )
        session().execute(
            update(JobRun).values(finished_at=datetime(2020, 1, 1, tzinfo=UTC)).where(JobRun.finished_at.is_not(None))
        )
    reconcile.purge()
    with transaction():
        assert runs.canvas(old) is None
        assert session().scalars(select(JobRun.canvas_id)).all() == [failed]
