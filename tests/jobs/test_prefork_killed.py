"""Workers that are killed, frozen or crash: their jobs run elsewhere, none is lost, and nobody's work counts twice."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from rq.registry import FailedJobRegistry
from rq.serializers import JSONSerializer
from sqlalchemy import select, text

from jobs.runtime import carrier, reconcile
from jobs.runtime.models import JobAttempt, JobRun, Outcome, RunState
from jobs.runtime.prefork import abandoned
from jobs.runtime.prefork.exchange import Exchange
from tests.jobs import labour, sample, workers
from tests.jobs.workers import Worker, eventually, go, is_gone, process_of, row, times
from webapp.core import measures
from webapp.core.db import session, transaction
from webapp.core.redis import jobs_redis

pytestmark = pytest.mark.usefixtures("effects")


def is_over(run_id: UUID) -> Callable[[], bool]:
    return lambda: row(run_id).state is RunState.SUCCEEDED


def attempts(run_id: UUID) -> list[JobAttempt]:
    with transaction():
        return list(session().scalars(select(JobAttempt).filter_by(run_id=run_id).order_by(JobAttempt.attempt)))


def lost(cause: str) -> float:
    return sum(
        number for series, number in measures.read_all() if series.name == "workers_lost" and series.values == (cause,)
    )


def test_the_run_of_a_killed_child_goes_on_in_another_at_once(tmp_path: Path) -> None:
    with Worker(tmp_path, processes=2, LEASE_SECONDS="60") as worker:
        run_id = labour.hold.enqueue("victim")
        first = process_of("began", "victim")
        began = time.monotonic()
        os.kill(first, signal.SIGKILL)
        assert process_of("began", "victim", nth=2) != first
        assert time.monotonic() - began < 20, "not only when the lease ends"
        go("victim")
        eventually(is_over(run_id))
        assert sample.marks() == {"victim": 1}
        again = row(run_id)
        assert (again.attempt, again.failures, again.interruptions) == (2, 0, 1)
        assert [(kept.outcome, kept.error) for kept in attempts(run_id)] == [
            (Outcome.INTERRUPTED, "its worker process ended")
        ]
        assert eventually(lambda: lost("crashed")) == 1
        eventually(lambda: len(worker.records()) == 2)
        assert eventually(lambda: workers.leftovers() == set())


def test_a_run_that_kills_three_children_is_a_poison_pill(tmp_path: Path) -> None:
    with Worker(tmp_path, processes=2):
        run_id = labour.hold.enqueue("poison")
        for nth in (1, 2, 3):
            os.kill(process_of("began", "poison", nth=nth), signal.SIGKILL)
        eventually(lambda: row(run_id).state is RunState.DEAD)
        assert row(run_id).interruptions == 3
        assert times("began", "poison") == 3
        eventually(lambda: workers.queued("dead_letter") == [str(run_id)])


def test_a_job_without_a_row_runs_again_and_the_third_time_is_given_up(tmp_path: Path) -> None:
    with Worker(tmp_path, processes=2):
        run_id = labour.hold_cheaply.enqueue("cheap")
        for nth in (1, 2, 3):
            os.kill(process_of("began", "cheap", nth=nth), signal.SIGKILL)
        registry = FailedJobRegistry("bookings", connection=jobs_redis(), serializer=JSONSerializer)
        eventually(lambda: registry.get_job_ids(cleanup=False) == [str(run_id)])
        assert times("began", "cheap") == 3
        eventually(lambda: workers.leftovers() == set())


def test_with_the_parent_its_children_die_and_another_worker_takes_over_when_the_lease_ends(tmp_path: Path) -> None:
    with Worker(tmp_path, LEASE_SECONDS="2") as worker:
        run_id = labour.hold.enqueue("orphan")
        child = process_of("began", "orphan")
        os.kill(worker.pid, signal.SIGKILL)
        eventually(lambda: is_gone(child), seconds=20)
    with Worker(tmp_path):
        eventually(reconcile.free_interrupted)
        process_of("began", "orphan", nth=2)
        go("orphan")
        eventually(is_over(run_id))
    assert sample.marks() == {"orphan": 1}
    assert row(run_id).interruptions == 1


def test_what_a_vanished_machine_held_goes_back_to_its_queues(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Worker(tmp_path) as worker:
        run_id = labour.hold_cheaply.enqueue("orphan")
        process_of("began", "orphan")
        os.killpg(worker.pid, signal.SIGKILL)
    assert abandoned.free_abandoned(jobs_redis(), queues=["bookings"]) == 0, "it may still be alive"
    monkeypatch.setattr(abandoned, "BENEFIT_OF_DOUBT_SECONDS", -60)
    assert abandoned.free_abandoned(jobs_redis(), queues=["bookings"]) == 1
    assert workers.queued() == [str(run_id)]
    assert workers.leftovers() == set()


def test_the_workers_of_a_vanished_machine_are_forgotten_and_those_alive_are_not(tmp_path: Path) -> None:
    def listed() -> set[int]:
        return {len(list(jobs_redis().sscan_iter(f"rq:workers{which}"))) for which in ("", ":bookings", ":email:low")}

    with Worker(tmp_path, processes=2):
        gone = list(jobs_redis().sscan_iter("rq:workers"))
    jobs_redis().delete(*gone)  # they run out by themselves after some seconds
    with Worker(tmp_path):
        assert listed() == {3}
        reconcile.Reconciler(jobs_redis()).run()
        assert listed() == {1}


def test_a_job_that_nobody_knows_any_more_leaves_no_trace_when_its_worker_vanishes() -> None:
    redis, job_id = jobs_redis(), "00000000-0000-7000-8000-000000000000"
    redis.zadd("rq:wip:maintenance", {f"{job_id}:abcd": time.time() - 100})
    redis.sadd("rq:worker:gone:executions", f"{job_id}:abcd")
    assert abandoned.free_abandoned(redis, queues=["maintenance"]) == 1
    assert not redis.exists(f"rq:job:{job_id}", "rq:wip:maintenance", "rq:queue:maintenance")


def test_a_frozen_child_loses_its_run_and_can_write_nothing_when_it_thaws(tmp_path: Path) -> None:
    with Worker(tmp_path, processes=2, LEASE_SECONDS="2"):
        run_id = labour.hold.enqueue("frozen")
        first = process_of("began", "frozen")
        os.kill(first, signal.SIGSTOP)
        eventually(reconcile.free_interrupted)
        assert process_of("began", "frozen", nth=2) != first
        go("frozen")
        eventually(is_over(run_id))
        go("frozen")
        os.kill(first, signal.SIGCONT)
        go_on = labour.work.enqueue("after")
        eventually(is_over(go_on))
        eventually(lambda: workers.leftovers() == set())
        assert sample.marks() == {"frozen": 1}
        assert times("ended", "frozen") == 1
        assert (row(run_id).attempt, row(run_id).state) == (2, RunState.SUCCEEDED)


def test_a_job_that_outlives_its_lease_keeps_it_while_its_worker_is_well(tmp_path: Path) -> None:
    with Worker(tmp_path, processes=2, LEASE_SECONDS="2"):
        run_id = labour.hold.enqueue("long")
        process_of("began", "long")
        first_lease = row(run_id).lease_until
        until = time.monotonic() + 6
        while time.monotonic() < until:
            assert reconcile.free_interrupted() == 0
            time.sleep(0.1)
        assert (first_lease or datetime.now(UTC)) < datetime.now(UTC), "what it was given at first has run out"
        go("long")
        eventually(is_over(run_id))
        assert (row(run_id).attempt, row(run_id).interruptions) == (1, 0)
    assert times("began", "long") == 1
    assert sample.marks() == {"long": 1}


def test_what_a_frozen_child_had_taken_and_not_begun_runs_elsewhere(tmp_path: Path) -> None:
    durable = labour.work_atomically.enqueue_many([{"mark": f"m-{n}"} for n in range(4)])
    labour.work_cheaply.enqueue_many([{"mark": f"c-{n}"} for n in range(4)])
    redis = jobs_redis()
    redis.set(carrier.MEMORY_KEY, carrier.server_id(redis))
    frozen = Exchange(redis, worker="frozen", names=["bookings"])
    taken = frozen.trade(want=8)
    assert (len(taken), workers.queued()) == (8, [])
    reconciler = reconcile.Reconciler(redis)

    def all_are_over() -> bool:
        reconciler.run()
        return all(is_over(run_id)() for run_id in durable) and all(times("did", f"c-{n}") for n in range(4))

    with Worker(tmp_path):
        eventually(all_are_over)  # 20 s without a sign of life, and the next pass
        assert frozen.trade(finished=taken) == [], "thawed, it has no say any more"
        eventually(lambda: workers.leftovers() == set())
    assert sample.marks() == {f"m-{n}": 1 for n in range(4)}
    assert [times("did", f"c-{n}") for n in range(4)] == [1] * 4


def test_short_jobs_are_done_once_each_while_children_are_killed_all_the_time(tmp_path: Path) -> None:
    with Worker(tmp_path, processes=2) as worker:
        ids = labour.work_atomically.enqueue_many([{"mark": f"m-{n}"} for n in range(1500)])
        cheap = labour.work_cheaply.enqueue_many([{"mark": f"c-{n}"} for n in range(1500)])
        kills = 0
        while workers.queued() and kills < 5:
            victims = eventually(worker.children)
            left = len(workers.queued())
            eventually(lambda left=left: len(workers.queued()) < left or not left)  # type: ignore[misc]  # bound on purpose
            os.kill(victims[0], signal.SIGKILL)
            eventually(lambda pid=victims[0]: is_gone(pid))  # type: ignore[misc]  # as above
            kills += 1
        eventually(lambda: not workers.queued() and not workers.leftovers())
    assert kills
    assert {row_id for row_id in ids if row(row_id).state is not RunState.SUCCEEDED} == set()
    assert set(sample.marks().values()) == {1}
    assert len(sample.marks()) == 1500
    done = [mark for _, mark, _ in workers.told()]
    assert set(done) == {f"c-{n}" for n in range(1500)}
    assert len(done) - len(set(done)) <= kills, "at most what a child was at when it was killed runs again"
    assert len(cheap) == 1500


def test_a_child_that_crashes_at_its_start_is_brought_back_ever_more_slowly_and_reported(tmp_path: Path) -> None:
    with Worker(tmp_path) as worker:
        deaths: list[float] = []
        for _ in range(3):
            pid = eventually(worker.children)[0]
            os.kill(pid, signal.SIGKILL)
            deaths.append(time.monotonic())
            eventually(lambda pid=pid: pid not in worker.children())  # type: ignore[misc]  # bound on purpose
        assert deaths[1] - deaths[0] > 0.9
        assert deaths[2] - deaths[1] > 1.9
        assert eventually(lambda: lost("crashed") == 3)
        assert worker.log.count("a worker process has died") == 3


def test_redis_emptied_under_a_working_child_does_not_disturb_it(tmp_path: Path) -> None:
    with Worker(tmp_path) as worker:
        run_id = labour.hold.enqueue("busy")
        process_of("began", "busy")
        jobs_redis().flushall()
        go("busy")
        eventually(is_over(run_id))
        eventually(lambda: len(worker.records()) == 1)
        after: Any = labour.work.enqueue("after")
        eventually(is_over(after))


def test_a_row_that_cannot_be_read_holds_up_nobody_for_ever(tmp_path: Path) -> None:
    """The table takes none by now; should one come about all the same, whoever took it hands it back at an end."""
    name, unreadable, fine = "ck_job_run_run_at", labour.work.enqueue("unreadable"), labour.work.enqueue("fine")
    with transaction():
        check = session().scalar(text(f"SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = '{name}'"))
        session().execute(text(f"ALTER TABLE job_run DROP CONSTRAINT {name}"))
        change = text("UPDATE job_run SET run_at = '0001-01-01T00:00:00+12:00' WHERE id = :id")
        session().execute(change, {"id": unreadable})
    try:
        with Worker(tmp_path) as worker:
            eventually(lambda: state_of(unreadable) == state_of(fine) == RunState.SUCCEEDED)
            assert "the database is away" not in worker.log
    finally:
        with transaction():
            session().execute(text("DELETE FROM job_run"))
            session().execute(text(f"ALTER TABLE job_run ADD CONSTRAINT {name} {check}"))


def state_of(run_id: UUID) -> RunState | None:
    with transaction():
        return session().scalar(select(JobRun.state).where(JobRun.id == run_id))
