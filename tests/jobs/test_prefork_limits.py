"""Limits of time and memory, and how a worker stops."""

from __future__ import annotations

import os
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from rq.registry import FailedJobRegistry
from rq.serializers import JSONSerializer

from jobs.runtime import Revocation, revoke
from jobs.runtime.models import RunState
from jobs.runtime.prefork import supervisor
from tests.jobs import labour, sample, workers
from tests.jobs.workers import Worker, eventually, go, is_gone, process_of, row, times
from webapp.core.redis import jobs_redis
from webapp.core.settings import Settings

pytestmark = pytest.mark.usefixtures("effects")


def test_a_job_that_ignores_everything_is_killed_at_its_hard_limit_and_has_failed(tmp_path: Path) -> None:
    with Worker(tmp_path):
        run_id = labour.ignore_limits.enqueue("stubborn")
        first = process_of("began", "stubborn")
        began = time.monotonic()
        eventually(lambda: is_gone(first))
        assert 0.8 < time.monotonic() - began < 15, "its limit is 1 s, and it would go on for a minute"
        eventually(lambda: row(run_id).failures == 1)
        failed = row(run_id)
        assert (failed.state, failed.interruptions) == (RunState.WAITING, 0)
        assert failed.error == "HardTimeLimit: killed at its hard time limit of 1 s"
        assert failed.run_at - (failed.started_at or failed.run_at) < timedelta(seconds=15)
        follower = labour.work.enqueue("follower")
        eventually(lambda: row(follower).state is RunState.SUCCEEDED)


def test_a_job_without_a_row_is_killed_at_its_hard_limit_and_not_run_again(tmp_path: Path) -> None:
    with Worker(tmp_path):
        run_id = labour.ignore_limits_cheaply.enqueue("stubborn")
        registry = FailedJobRegistry("bookings", connection=jobs_redis(), serializer=JSONSerializer)
        eventually(lambda: registry.get_job_ids(cleanup=False) == [str(run_id)])
        eventually(lambda: workers.leftovers() == set())
        assert times("began", "stubborn") == 1


def test_each_of_two_workers_holds_its_own_jobs_to_their_limits_and_stops_what_is_revoked(tmp_path: Path) -> None:
    with Worker(tmp_path) as one, Worker(tmp_path) as other:
        eventually(lambda: len(one.records()) == 2)
        stubborn, long = labour.ignore_limits.enqueue("stubborn"), labour.hold.enqueue("long")
        first, second = process_of("began", "stubborn"), process_of("began", "long")
        began = time.monotonic()
        assert revoke(long, by="anna") is Revocation.STOPPING
        eventually(lambda: row(long).state is RunState.CANCELLED)
        assert time.monotonic() - began < 20, "2 s are promised"
        eventually(lambda: is_gone(first))
        assert time.monotonic() - began < 20, "its limit is 1 s, and 2 s more are promised"
        eventually(lambda: row(stubborn).failures == 1)
        assert not is_gone(second), "what stops by itself needs no other process"
        follower = labour.work.enqueue("follower")
        eventually(lambda: row(follower).state is RunState.SUCCEEDED)
        assert {process.process.poll() for process in (one, other)} == {None}


def test_heroku_s_thirty_seconds_are_enough_for_what_is_set_by_default() -> None:
    grace = Settings.model_fields["worker_grace_seconds"].default
    assert grace + supervisor.BURIAL_SECONDS + 2 * supervisor.TICK_SECONDS < 30 - 2, "with 2 s for the start of it all"


def test_the_soft_limit_ends_the_job_but_not_the_child(tmp_path: Path) -> None:
    with Worker(tmp_path) as worker:
        run_id = labour.mind_the_soft_limit.enqueue("soft")
        pid = process_of("began", "soft")
        eventually(lambda: row(run_id).failures == 1)
        assert (row(run_id).error or "").startswith("SoftTimeLimit: ")
        assert worker.children() == [pid]


@pytest.mark.skipif(sys.platform != "linux", reason="counts private memory")
def test_a_child_that_has_grown_is_replaced_after_its_job(tmp_path: Path) -> None:
    with Worker(tmp_path, WORKER_MAX_MEMORY_MB="64"):
        run_id = labour.grow.enqueue("big", megabytes=80)
        first = process_of("began", "big")
        time.sleep(1.5)  # longer than it takes to be weighed: that nothing happens cannot be waited for
        assert not is_gone(first), "not in the middle of its job"
        go("big")
        eventually(lambda: row(run_id).state is RunState.SUCCEEDED)
        eventually(lambda: is_gone(first))
        labour.work.enqueue("after")
        assert process_of("did", "after") != first
        assert row(run_id).interruptions == 0


@pytest.mark.skipif(sys.platform != "linux", reason="counts private memory")
def test_a_child_far_too_big_is_killed_in_the_middle_of_its_job(tmp_path: Path) -> None:
    with Worker(tmp_path, WORKER_MAX_MEMORY_MB="64", WORKER_HARD_MEMORY_MB="90"):
        run_id = labour.grow.enqueue("huge", megabytes=150)
        first = process_of("began", "huge")
        eventually(lambda: is_gone(first))
        eventually(lambda: row(run_id).interruptions == 1)
        assert row(run_id).failures == 0


@pytest.mark.parametrize("group", [False, True], ids=["parent", "group"])
def test_a_stopped_worker_finishes_what_it_is_at_and_takes_nothing_more(tmp_path: Path, group: bool) -> None:
    with Worker(tmp_path) as worker:
        run_id = labour.hold.enqueue("last")
        process_of("began", "last")
        worker.stop(group=group)
        worker.stop(group=group, number=signal.SIGINT)  # changes nothing
        waiting = labour.work.enqueue("waits")
        go("last")
        assert worker.ended() == 0, worker.log
        assert row(run_id).state is RunState.SUCCEEDED
        assert row(waiting).state is RunState.WAITING
        assert workers.queued() == [str(waiting)]
        assert workers.leftovers() == set()
        assert worker.records() == []


@pytest.mark.parametrize("group", [False, True], ids=["parent", "group"])
def test_what_outlives_the_grace_is_handed_back_at_no_cost(tmp_path: Path, group: bool) -> None:
    with Worker(tmp_path, processes=2, WORKER_GRACE_SECONDS="1") as worker:
        durable, cheap = labour.hold.enqueue("durable"), labour.hold_cheaply.enqueue("cheap")
        for mark in ("durable", "cheap"):
            process_of("began", mark)
        began = time.monotonic()
        worker.stop(group=group)
        assert worker.ended() == 0, worker.log
        assert 0.9 < time.monotonic() - began < 15
        handed_back = row(durable)
        assert (handed_back.state, handed_back.interruptions, handed_back.failures) == (RunState.WAITING, 0, 0)
        assert sorted(workers.queued()) == sorted([str(durable), str(cheap)])
        assert workers.leftovers() == set()
    with Worker(tmp_path, processes=2):
        go("durable")
        go("cheap")
        eventually(lambda: times("ended", "durable") == times("ended", "cheap") == 1)
        eventually(lambda: row(durable).state is RunState.SUCCEEDED)
    assert sample.marks() == {"durable": 1}


def test_an_idle_worker_stops_at_once(tmp_path: Path) -> None:
    with Worker(tmp_path, processes=2) as worker:
        began = time.monotonic()
        worker.stop()
        assert worker.ended() == 0
        assert time.monotonic() - began < 10, "the grace is for those at work"


def test_short_jobs_behind_a_long_one_go_elsewhere(tmp_path: Path) -> None:
    with Worker(tmp_path, processes=2):
        short = labour.work_cheaply.enqueue_many(
            [{"mark": f"w-{n}"} for n in range(200)]
        )  # so that more are taken at once
        eventually(lambda: times("did", "w-199"))
        ids = [labour.hold.enqueue("long")]
        ids += [labour.work.enqueue(f"behind-{n}") for n in range(10)]
        eventually(lambda: all(row(run_id).state is RunState.SUCCEEDED for run_id in ids[1:]), seconds=20)
        assert row(ids[0]).state is RunState.RUNNING
        go("long")
        eventually(lambda: row(ids[0]).state is RunState.SUCCEEDED)
    assert len(short) == 200


def test_waiting_jobs_go_back_at_once_when_the_worker_stops(tmp_path: Path) -> None:
    labour.work_cheaply.enqueue_many([{"mark": f"w-{n}"} for n in range(200)])
    long = labour.hold_cheaply.enqueue("long")
    behind = labour.work_cheaply.enqueue_many([{"mark": f"behind-{n}"} for n in range(10)])
    with Worker(tmp_path, "--queues", "bookings", WORKER_GRACE_SECONDS="30") as worker:
        process_of("began", "long")
        worker.stop(group=True)
        eventually(lambda: len(workers.queued()) + times("did", "behind-0") * 10 >= 10, seconds=20)
        go("long")
        worker.ended()
    assert str(long) not in workers.queued()
    done = {mark for event, mark, _ in workers.told() if mark.startswith("behind")}
    assert len(done) + len(workers.queued()) == len(behind)
    assert os.getpid()
