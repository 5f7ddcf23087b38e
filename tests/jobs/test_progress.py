"""How far a job is: stated as often as it likes, seen while it runs, kept at its end; and how long results are."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update

from jobs.runtime import RESULT, chain, execute, progress, reconcile, runs, store
from jobs.runtime.current import Claim, claim
from jobs.runtime.models import JobRun, RunState
from jobs.runtime.runs import Progress
from tests.jobs import flows
from tests.jobs.test_running_jobs import row, work
from tests.jobs.workers import Worker, eventually, go
from webapp.core.db import session, transaction
from webapp.core.redis import jobs_redis

pytestmark = pytest.mark.usefixtures("effects")


def progress_of(run_id: UUID) -> Progress | None:
    with transaction():
        return runs.progress_of([run_id, uuid4()]).get(run_id)


@pytest.fixture
def at_work() -> Iterator[Claim]:
    run_id = flows.keep.enqueue(1)
    with transaction():
        taken = store.take(run_id, worker="me", lease=60)
    assert taken is not None
    token = claim.set(taken)
    yield taken
    claim.reset(token)


def test_what_a_job_said_last_is_kept_with_its_run() -> None:
    run_id = flows.go_through.enqueue(1000)
    assert progress_of(run_id) is None
    assert execute.run(run_id) is RunState.SUCCEEDED
    assert progress_of(run_id) == Progress(1000, 1000, "counting")
    assert row(run_id).progress == {"done": 1000, "total": 1000, "note": "counting"}


def test_a_failed_attempt_leaves_word_of_how_far_it_came() -> None:
    run_id = flows.go_through.enqueue(10, fails=True)
    assert execute.run(run_id) is RunState.WAITING
    assert progress_of(run_id) == Progress(3, 10, "counting")


def test_progress_is_seen_while_the_job_runs(tmp_path: Path) -> None:
    with Worker(tmp_path, FLASK_APP="tests.jobs.flows_app:app"):
        run_id = flows.say_and_wait.enqueue(1, 4, "é" * 300, "word")
        seen = eventually(lambda: progress_of(run_id))
        assert seen == Progress(1, 4, "é" * 200)
        assert seen.fraction == 0.25
        assert row(run_id).progress is None, "the database is spared until the end"
        go("word")
        eventually(lambda: row(run_id).state is RunState.SUCCEEDED)
        assert progress_of(run_id) == seen


def test_stating_progress_costs_next_to_nothing_and_nothing_is_sent(at_work: Claim) -> None:
    sent_before = jobs_redis().info("stats")["total_commands_processed"]  # type: ignore[index]  # the asynchronous client's type
    best = min(_seconds_for(20_000) for _ in range(5))
    sent = jobs_redis().info("stats")["total_commands_processed"] - sent_before  # type: ignore[index]  # as above
    assert best / 20_000 < 20e-6
    assert sent < 50
    assert at_work.report.latest == (20_000, 20_000, "")


def _seconds_for(calls: int) -> float:
    began = time.perf_counter()
    for number in range(calls):
        progress(number + 1, calls)
    return time.perf_counter() - began


def test_outside_of_a_run_progress_says_nothing_to_nobody() -> None:
    progress(1, 2)


@pytest.mark.parametrize(("stated", "fraction"), [((0, 0), 0.0), ((5, 4), 1.0), ((-1, 4), 0.0), ((1, 3), 1 / 3)])
def test_a_fraction_is_between_none_and_all(stated: tuple[int, int], fraction: float) -> None:
    assert Progress(*stated, "").fraction == fraction


def age(*run_ids: UUID, by: timedelta) -> None:
    with transaction():
        session().execute(update(JobRun).where(JobRun.id.in_(run_ids)).values(finished_at=datetime.now(UTC) - by))


def results(*run_ids: UUID) -> list[object]:
    return [row(run_id).result for run_id in run_ids]


def test_results_are_kept_for_an_hour_unless_the_job_says_otherwise() -> None:
    usual, recent, long, too_long = (
        flows.keep.enqueue(1),
        flows.keep.enqueue(2),
        flows.keep_for_days.enqueue(3),
        flows.keep_for_days.enqueue(4),
    )
    work()
    age(usual, by=timedelta(minutes=61))
    age(recent, by=timedelta(minutes=59))
    age(long, by=timedelta(hours=47))
    age(too_long, by=timedelta(hours=49))
    reconcile.purge()
    assert results(usual, recent, long, too_long) == [None, {"value": 2}, {"value": 3}, None]
    assert row(usual).state is RunState.SUCCEEDED


def test_a_canvas_has_the_results_of_its_steps_for_as_long_as_it_may_need_them() -> None:
    ended = chain(flows.keep.s(1), flows.keep.s(RESULT)).start()
    work()
    going_on = chain(flows.keep.s(1), flows.keep.s(RESULT)).start()
    with transaction():
        (first,) = runs.members(going_on)
    execute.run(first.id)
    failed = chain(flows.keep.s(1), flows.fail.s("x")).start()
    for canvas_id in (failed, failed):
        with transaction():
            latest = runs.members(canvas_id)[-1]
        execute.run(latest.id)
    with transaction():
        firsts = [runs.members(canvas_id)[0].id for canvas_id in (ended, going_on, failed)]
    age(*firsts, by=timedelta(days=1))
    reconcile.purge()
    assert results(*firsts) == [None, {"value": 1}, {"value": 1}]
