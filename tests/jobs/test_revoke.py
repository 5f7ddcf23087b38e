"""Work is taken back: what waits never begins, what runs is stopped within two seconds, and it is known who asked."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update

from jobs.runtime import Revocation, carrier, chain, execute, group, reconcile, revoke, revoke_canvas, runs, store
from jobs.runtime.beside import companion
from jobs.runtime.current import Done, Report
from jobs.runtime.models import CanvasState, JobRun, RunState
from jobs.runtime.policies import Revoked
from tests.jobs import flows, sample
from tests.jobs.canvases import counts, members, run_one, view
from tests.jobs.test_running_jobs import attempts, row, work
from tests.jobs.workers import Worker, eventually, go, process_of, told
from webapp.core.db import session, transaction
from webapp.core.redis import jobs_redis

pytestmark = pytest.mark.usefixtures("effects")

ANNA = "anna@example.com"
APP = "tests.jobs.flows_app:app"


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    with Worker(tmp_path, processes=2, FLASK_APP=APP) as started:
        yield started


# Two seconds are promised; a machine that runs other tests beside this one may take longer.
SOON = 20.0


def is_cancelled(run_id: UUID) -> bool:
    cancelled = row(run_id)
    return cancelled.state is RunState.CANCELLED and cancelled.revoked_by == ANNA


def stopped_within(run_id: UUID) -> float:
    """Revoke a running job; return the seconds until it is cancelled."""
    began = time.monotonic()
    assert revoke(run_id, by=ANNA) is Revocation.STOPPING
    eventually(lambda: is_cancelled(run_id))
    return time.monotonic() - began


def test_a_waiting_job_never_begins() -> None:
    run_id = flows.number.enqueue(1)
    assert revoke(run_id, by=ANNA) is Revocation.CANCELLED
    work()
    reconcile.Reconciler(jobs_redis()).run()
    work()
    assert execute.run(run_id) is None
    assert sample.marks() == {}
    assert is_cancelled(run_id)
    assert row(run_id).error == f"revoked by {ANNA}"
    assert not jobs_redis().exists(f"rq:job:{run_id}")


def test_a_job_for_later_is_taken_from_the_schedule() -> None:
    run_id = flows.number.after(timedelta(hours=1), 1)
    assert revoke(run_id, by=ANNA) is Revocation.CANCELLED
    assert jobs_redis().zscore(carrier.SCHEDULED_KEY, str(run_id)) is None
    assert is_cancelled(run_id)


def test_a_job_that_waits_for_its_next_try_is_not_tried_again() -> None:
    run_id = sample.fail.enqueue("x")
    assert execute.run(run_id) is RunState.WAITING
    assert revoke(run_id, by=ANNA) is Revocation.CANCELLED
    with transaction():
        session().execute(update(JobRun).values(run_at=datetime.now(UTC)))
    assert execute.run(run_id) is None
    assert sample.marks() == {"x": 1}


def test_what_is_over_stays_what_it_is_and_what_never_was_is_said_so() -> None:
    run_id = flows.number.enqueue(1)
    work()
    assert revoke(run_id, by=ANNA) is Revocation.OVER
    assert (row(run_id).state, row(run_id).revoked_by) == (RunState.SUCCEEDED, None)
    assert revoke(uuid4(), by=ANNA) is Revocation.UNKNOWN


def test_a_revocation_that_is_rolled_back_has_not_happened() -> None:
    run_id = flows.number.enqueue(1)

    def change_of_mind() -> None:
        with transaction():
            revoke(run_id, by=ANNA)
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        change_of_mind()
    work()
    assert sample.marks() == {"number 1": 1}


def test_a_running_job_is_stopped_in_its_tracks(worker: Worker) -> None:
    run_id = flows.hold.enqueue("a")
    process = process_of("began", "a")
    assert stopped_within(run_id) < SOON
    go("a")
    flows.hold.enqueue("b")
    flows.hold.enqueue("c")
    assert process in {process_of("began", "b"), process_of("began", "c")}, "its process goes on with other work"
    assert sample.marks() == {}
    assert attempts(run_id) == []


def test_what_an_atomic_job_had_written_is_gone(worker: Worker) -> None:
    run_id = flows.hold_atomically.enqueue("a")
    process_of("began", "a")
    assert stopped_within(run_id) < SOON
    assert sample.marks() == {}


def test_a_job_that_does_not_listen_is_killed(worker: Worker) -> None:
    run_id = flows.carry_on_regardless.enqueue("a")
    process_of("began", "a")
    assert stopped_within(run_id) < SOON
    assert [event for event, _, _ in told()].count("began") == 1
    assert "shrugged" in {event for event, _, _ in told()}
    assert row(run_id).attempt == 1


def test_a_job_that_fails_because_it_is_stopped_is_not_tried_again(worker: Worker) -> None:
    run_id = flows.fail_when_stopped.enqueue("a")
    process_of("began", "a")
    assert stopped_within(run_id) < SOON
    assert row(run_id).error == f"revoked by {ANNA}"


def test_while_redis_is_forgetful_the_row_still_stops_the_job(tmp_path: Path) -> None:
    with Worker(tmp_path, FLASK_APP=APP, LEASE_SECONDS="2"):
        run_id = flows.hold.enqueue("a")
        process_of("began", "a")
        with transaction():  # as `revoke` does it, but nobody tells Redis
            assert store.revoke(run_id, by=ANNA) is not None
        eventually(lambda: is_cancelled(run_id), seconds=SOON)


def test_a_run_whose_worker_vanishes_after_it_was_revoked_does_not_begin_again() -> None:
    canvas_id = chain(flows.number.s(1), flows.number.s(2)).start()
    (first,) = members(canvas_id)
    with transaction():
        assert store.take(first.id, worker="doomed", lease=60)
    assert revoke(first.id, by=ANNA) is Revocation.STOPPING
    with transaction():
        session().execute(update(JobRun).where(JobRun.id == first.id).values(lease_until=datetime.now(UTC)))
    reconcile.free_interrupted()
    assert is_cancelled(first.id)
    assert counts(view(canvas_id)) == (CanvasState.CANCELLED, 0, 0, 2)
    work()
    assert sample.marks() == {}


def test_a_run_that_ends_well_before_it_can_be_stopped_has_ended_well() -> None:
    run_id = flows.keep.enqueue(1)
    with transaction():
        claim = store.take(run_id, worker="quick", lease=60)
    assert claim is not None
    assert revoke(run_id, by=ANNA) is Revocation.STOPPING
    assert execute.close(Done(claim, None)) is RunState.SUCCEEDED
    assert row(run_id).revoked_by == ANNA


def test_work_without_a_row_is_taken_back_too(worker: Worker) -> None:
    worker.stop()
    worker.ended()
    waiting = flows.hold_cheaply.enqueue("w")
    assert revoke(waiting, by=ANNA) is Revocation.CANCELLED
    assert revoke(waiting, by=ANNA) is Revocation.UNKNOWN


def test_work_without_a_row_is_stopped_too(worker: Worker) -> None:
    running = flows.hold_cheaply.enqueue("r")
    process = process_of("began", "r")
    assert revoke(running, by=ANNA) is Revocation.STOPPING
    redis: Any = jobs_redis()
    eventually(lambda: redis.hget(f"rq:job:{running}", "status") == b"failed", seconds=SOON)
    assert "ended" not in {event for event, _, _ in told()}
    flows.hold.enqueue("b")
    flows.hold.enqueue("c")
    assert process in {process_of("began", "b"), process_of("began", "c")}


def test_a_revoked_step_stops_its_chain_or_is_passed_over_as_was_chosen() -> None:
    stops = chain(flows.number.s(1), flows.number.s(2)).start()
    goes_on = chain(flows.number.s(3), flows.number.s(4), on_failure="continue").start()
    for canvas_id in (stops, goes_on):
        assert revoke(members(canvas_id)[0].id, by=ANNA) is Revocation.CANCELLED
    work()
    assert sample.marks() == {"number 4": 1}
    assert counts(view(stops)) == (CanvasState.CANCELLED, 0, 0, 2)
    assert counts(view(goes_on)) == (CanvasState.SUCCEEDED, 1, 0, 1)


def test_a_revoked_step_has_what_is_done_undone() -> None:
    canvas_id = chain(
        flows.number.s(1).compensated_by(flows.undo.s("it")), flows.number.s(2), on_failure="compensate"
    ).start()
    execute.run(members(canvas_id)[0].id)
    revoke(members(canvas_id)[1].id, by=ANNA)
    work()
    assert sample.marks() == {"number 1": 1, "undo it": 1}
    assert view(canvas_id).state is CanvasState.COMPENSATED


def test_a_whole_canvas_is_taken_back(worker: Worker) -> None:
    inner = chain(flows.hold.s("b"), flows.number.s(2))
    canvas_id = chain(
        group(flows.hold.s("a"), inner, *(flows.hold.s(f"w{n}") for n in range(5))), flows.number.s(3)
    ).start()
    eventually(lambda: [event for event, _, _ in told()].count("began") == 2)
    began = time.monotonic()
    assert revoke_canvas(canvas_id, by=ANNA) is Revocation.STOPPING
    eventually(lambda: view(canvas_id).state is CanvasState.CANCELLED)
    assert time.monotonic() - began < SOON
    assert [event for event, _, _ in told()].count("began") == 2
    assert view(canvas_id).revoked_by == ANNA
    assert counts(view(canvas_id).nodes[0]) == (CanvasState.CANCELLED, 0, 0, 7)
    assert revoke_canvas(canvas_id, by=ANNA) is Revocation.OVER
    assert revoke_canvas(uuid4(), by=ANNA) is Revocation.UNKNOWN


def test_what_is_still_under_way_of_a_canvas_that_has_failed_is_stopped(worker: Worker) -> None:
    canvas_id = group(flows.hold.s("long"), flows.fail.s("x")).start()
    process_of("began", "long")
    eventually(lambda: view(canvas_id).state is CanvasState.STOPPING)
    assert revoke_canvas(canvas_id, by=ANNA) is Revocation.STOPPING
    eventually(lambda: view(canvas_id).finished_at, seconds=SOON)
    assert counts(view(canvas_id)) == (CanvasState.FAILED, 0, 1, 1)
    assert view(canvas_id).revoked_by == ANNA
    assert is_cancelled(members(canvas_id)[0].id)


def test_a_step_that_waits_for_its_next_try_in_a_canvas_that_has_failed_is_cancelled() -> None:
    canvas_id = group(flows.fail_for_now.s("again"), flows.fail.s("x")).start()
    retried, failing = members(canvas_id)
    with transaction():
        claim = store.take(retried.id, worker="slow", lease=60)
    assert claim is not None
    execute.run(failing.id)
    with transaction():
        store.put_back(claim, delay=3600, failed=True)
    assert revoke_canvas(canvas_id, by=ANNA) is Revocation.CANCELLED
    assert counts(view(canvas_id)) == (CanvasState.FAILED, 0, 1, 1)


def test_what_is_being_undone_is_undone_to_the_end() -> None:
    undoing = flows.number.s(1).compensated_by(flows.undo.s("it"))
    canvas_id = chain(undoing, flows.fail.s("x"), on_failure="compensate").start()
    while view(canvas_id).state is not CanvasState.COMPENSATING:
        run_one()
    (compensation,) = view(canvas_id).nodes
    assert revoke_canvas(canvas_id, by=ANNA) is Revocation.UNDOING
    assert revoke_canvas(compensation.id, by=ANNA) is Revocation.UNDOING
    work()
    assert sample.marks() == {"number 1": 1, "fail x": 1, "undo it": 1}
    assert view(canvas_id).state is CanvasState.COMPENSATED


def test_what_an_inner_canvas_undoes_goes_on_when_the_whole_is_taken_back() -> None:
    undoing = flows.number.s(1).compensated_by(flows.undo.s("it"))
    inner = chain(undoing, flows.fail.s("x"), on_failure="compensate")
    canvas_id = group(inner, flows.number.s(2), on_failure="continue").start()
    while view(canvas_id).nodes[0].state is not CanvasState.COMPENSATING:
        run_one()
    assert revoke_canvas(canvas_id, by=ANNA) is Revocation.STOPPING
    work()
    assert sample.marks()["undo it"] == 1
    assert view(canvas_id).finished_at


def test_a_part_of_a_canvas_is_taken_back_and_the_rest_goes_on() -> None:
    canvas_id = group(chain(flows.number.s(1)), flows.number.s(2), on_failure="continue").start()
    assert revoke_canvas(view(canvas_id).nodes[0].id, by=ANNA) is Revocation.CANCELLED
    work()
    assert sample.marks() == {"number 2": 1}
    assert counts(view(canvas_id)) == (CanvasState.SUCCEEDED, 1, 0, 1)


def test_only_the_body_of_the_revoked_run_is_interrupted() -> None:
    mine, other = uuid4(), uuid4()
    beside = companion()
    with beside.attending(mine, Report()), beside.attending(other, Report()):
        beside.revoke(mine)
        with beside.interruptible(other):
            beside.revoke(mine)
        with pytest.raises(Revoked), beside.interruptible(mine):
            beside.revoke(mine)
        beside.revoke(mine)
    with beside.interruptible(mine):
        beside.revoke(mine)


def test_the_one_who_asks_may_have_a_long_name() -> None:
    run_id = flows.number.enqueue(1)
    revoke(run_id, by="x" * 1000)
    assert (row(run_id).revoked_by or "").startswith("xxx")


def test_runs_of_a_canvas_are_listed_page_by_page() -> None:
    canvas_id = group(*(flows.number.s(n) for n in range(5))).start()
    with transaction():
        first = runs.members(canvas_id, limit=3)
        rest = runs.members(canvas_id, after=first[-1].position or 0)
    assert [run.arguments["value"] for run in [*first, *rest]] == [0, 1, 2, 3, 4]
