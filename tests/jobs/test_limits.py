from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import UUID

import pytest
from flask import Flask, current_app
from sqlalchemy import func, select, update

from devserver.servers import free_port
from jobs.runtime import (
    Revocation,
    cancel,
    carrier,
    execute,
    group,
    job,
    rate,
    reconcile,
    registry,
    revoke,
    revoke_canvas,
    store,
)
from jobs.runtime.limits import Limits, Rate
from jobs.runtime.models import JobAttempt, JobRun, RunState
from jobs.runtime.scheduler import Scheduler
from tests.jobs import flows, limited
from tests.jobs.canvases import members
from tests.jobs.workers import Worker, eventually, row
from webapp.core.db import session, transaction
from webapp.core.redis import connect, jobs_redis

pytestmark = pytest.mark.usefixtures("app")


def run_all(ids: Sequence[UUID]) -> list[RunState | None]:
    return [execute.run(run_id) for run_id in ids]


def pass_time(seconds: float, *, job_name: str) -> None:
    """Make it so that all that the limit knows of was so much earlier."""
    for kind in ("starts", "places"):
        key = f"almanac:rate:{job_name}:{kind}"
        for member, score in jobs_redis().zrange(key, 0, -1, withscores=True):  # type: ignore[union-attr]  # the asynchronous client's type
            if score:
                jobs_redis().zadd(key, {member: score - seconds * 1_000_000})
    with transaction():
        earlier = timedelta(seconds=seconds)
        session().execute(update(JobRun).values(run_at=JobRun.run_at - earlier, started_at=JobRun.started_at - earlier))


def seconds_to_wait(run_id: UUID) -> float:
    return (row(run_id).run_at - datetime.now(UTC)).total_seconds()


def most_within(seconds: float, moments: list[float]) -> int:
    return max(sum(start <= moment < start + seconds for moment in moments) for start in moments)


def move_due_jobs_until(done: Callable[[], bool], *, seconds: float) -> None:
    """Be the scheduler until it is done."""
    mover = Scheduler(connection=jobs_redis(), entries=())

    def look() -> bool:
        mover.enqueue_jobs()
        return done()

    eventually(look, seconds=seconds)


def finished() -> int:
    with transaction():
        return session().scalar(select(func.count()).where(JobRun.state == RunState.SUCCEEDED)) or 0


def test_what_is_over_the_rate_waits_for_its_place_at_no_cost_and_without_a_trace() -> None:
    ids = [limited.three_a_minute.enqueue() for _ in range(5)]
    assert run_all(ids) == [RunState.SUCCEEDED] * 3 + [RunState.WAITING] * 2
    for run_id in ids[3:]:
        assert 59 < seconds_to_wait(run_id) < 61
        assert jobs_redis().zscore(carrier.SCHEDULED_KEY, str(run_id)) is not None
        assert row(run_id).failures == 0
    with transaction():
        assert session().scalars(select(JobAttempt)).all() == []
    pass_time(61, job_name=limited.three_a_minute.name)
    assert run_all(ids[3:]) == [RunState.SUCCEEDED] * 2


def test_places_are_given_in_order_a_period_apart() -> None:
    ids = [limited.three_a_minute.enqueue() for _ in range(9)]
    run_all(ids)
    waits = [seconds_to_wait(run_id) for run_id in ids[3:]]
    assert [round(wait / 60) for wait in waits] == [1] * 3 + [2] * 3, waits


def test_who_comes_late_does_not_take_the_place_of_those_who_wait() -> None:
    ids = [limited.three_a_minute.enqueue() for _ in range(6)]
    run_all(ids)
    pass_time(61, job_name=limited.three_a_minute.name)
    late = limited.three_a_minute.enqueue()
    assert execute.run(late) is RunState.WAITING
    assert run_all(ids[3:]) == [RunState.SUCCEEDED] * 3


def test_a_place_that_nobody_claims_is_free_again() -> None:
    ids = [limited.three_a_minute.enqueue() for _ in range(6)]
    run_all(ids)
    pass_time(61 + rate.PATIENCE_SECONDS, job_name=limited.three_a_minute.name)
    assert execute.run(limited.three_a_minute.enqueue()) is RunState.SUCCEEDED


def test_each_key_has_a_rate_of_its_own() -> None:
    ids = [limited.one_a_minute_each.enqueue(customer) for customer in ("Ada", "ada", "Bob")]
    assert run_all(ids) == [RunState.SUCCEEDED, RunState.WAITING, RunState.SUCCEEDED]


def test_every_start_counts_also_one_that_fails() -> None:
    run_id = limited.one_a_minute_and_fails.enqueue()
    assert run_all([run_id, run_id]) == [RunState.WAITING] * 2
    assert len(limited.begun()) == 1
    assert row(run_id).failures == 1


def test_a_redis_that_was_emptied_does_not_open_the_gate() -> None:
    run_all([limited.three_a_minute.enqueue() for _ in range(2)])
    failing = limited.one_a_minute_and_fails.enqueue()
    execute.run(failing)
    jobs_redis().flushall()
    assert run_all([limited.three_a_minute.enqueue() for _ in range(2)]) == [RunState.SUCCEEDED, RunState.WAITING]
    assert execute.run(limited.one_a_minute_and_fails.enqueue()) is RunState.WAITING
    assert len(limited.begun()) == 1


def test_while_redis_is_away_nothing_limited_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = limited.three_a_minute.enqueue()
    nowhere = connect(f"redis://127.0.0.1:{free_port()}")
    monkeypatch.setattr(rate, "jobs_redis", lambda: nowhere)
    assert execute.run(run_id) is RunState.WAITING
    assert seconds_to_wait(run_id) < 2
    assert limited.begun() == []


def test_several_workers_never_exceed_a_rate_and_use_it_up(tmp_path: Path) -> None:
    limited.forty_in_two_seconds.enqueue_many([{} for _ in range(160)])
    with Worker(tmp_path, processes=3):
        move_due_jobs_until(lambda: finished() == 160, seconds=60)
    moments = limited.begun()
    assert len(moments) == 160
    # The first line of a job comes a little after it was let go, and on a busy machine not always by the same.
    assert most_within(1.9, moments) <= 40
    elapsed = moments[-1] - moments[0]
    assert 6 <= elapsed < 15, f"120 more than the first 40 take 6 s at best, and took {elapsed:.2f}"


def test_runs_of_one_key_come_one_after_the_other_and_promptly(tmp_path: Path) -> None:
    for number in range(16):
        limited.one_for_each_calendar.enqueue("ab"[number % 2], seconds=0.05)
    for _ in range(8):
        limited.two_at_once.enqueue(seconds=0.05)
    began = time.monotonic()
    with Worker(tmp_path, processes=4):
        eventually(lambda: finished() == 24)
    assert (limited.most("a"), limited.most("b")) == (1, 1)
    assert limited.most("") <= 2
    gaps = [later - earlier for earlier, later in zip(limited.begun("a"), limited.begun("a")[1:], strict=False)]
    assert sorted(gaps)[len(gaps) // 2] < 0.5, "nobody waited to be looked at"
    assert time.monotonic() - began < 40


def take(run_id: UUID) -> Any:
    return execute.take(run_id, worker="worker-1")


def test_a_run_without_a_slot_leaves_the_queue_and_comes_back_when_one_ends() -> None:
    first, second, third = (limited.one_for_each_calendar.enqueue("a") for _ in range(3))
    claim = take(first)
    assert claim is not None
    assert (take(second), take(third)) == (None, None)
    assert row(second).is_held
    assert seconds_to_wait(second) > 50
    assert execute.run(limited.one_for_each_calendar.enqueue("b")) is RunState.SUCCEEDED, "another key"
    with transaction():
        store.close(claim, state=RunState.SUCCEEDED)
    assert not row(second).is_held
    assert seconds_to_wait(second) <= 0
    assert row(third).is_held
    assert not carrier.lost_ids(jobs_redis(), {second: "maintenance"})
    assert execute.run(third) is None, "it is not its turn"
    assert run_all([second, third]) == [RunState.SUCCEEDED] * 2


def test_a_run_that_is_taken_back_before_it_takes_its_slot_leaves_it_to_the_next() -> None:
    first, *held = (limited.one_for_each_calendar.enqueue("a") for _ in range(3))
    keyed = limited.one_for_each_calendar.once("key", "a")
    last = limited.one_for_each_calendar.enqueue("a")
    claim = take(first)
    assert claim is not None
    assert [take(run_id) for run_id in (*held, keyed, last)] == [None] * 4
    with transaction():
        store.close(claim, state=RunState.SUCCEEDED)
    assert revoke(held[0], by="anna") is Revocation.CANCELLED
    assert revoke(held[1], by="anna") is Revocation.CANCELLED
    with transaction():
        assert cancel(limited.one_for_each_calendar, unique_key="key") == keyed
    assert seconds_to_wait(last) <= 0, "and not only when it would have looked by itself"
    assert execute.run(last) is RunState.SUCCEEDED


def test_a_run_whose_canvas_stops_before_it_takes_its_slot_leaves_it_to_the_next() -> None:
    first = limited.one_for_each_calendar.enqueue("a")
    claim = take(first)
    canvas_id = group(limited.one_for_each_calendar.s("a"), flows.number.s(1)).start()
    member = next(run for run in members(canvas_id) if run.name == limited.one_for_each_calendar.name)
    last = limited.one_for_each_calendar.enqueue("a")
    assert [take(run_id) for run_id in (member.id, last)] == [None] * 2
    with transaction():
        store.close(claim, state=RunState.SUCCEEDED)
    assert revoke_canvas(canvas_id, by="anna")
    assert row(member.id).state is RunState.CANCELLED
    assert seconds_to_wait(last) <= 0, "and not only when it would have looked by itself"
    assert execute.run(last) is RunState.SUCCEEDED


def test_a_run_that_waits_for_its_time_is_not_woken_by_a_free_slot() -> None:
    first = limited.one_for_each_calendar.enqueue("a")
    later = limited.one_for_each_calendar.after(timedelta(hours=1), "a")
    assert execute.run(first) is RunState.SUCCEEDED
    assert seconds_to_wait(later) > 3500


def test_a_job_that_dies_or_whose_worker_vanishes_gives_its_slot_back() -> None:
    dying, next_one = limited.one_that_fails.enqueue(), limited.one_that_fails.enqueue()
    claim = take(dying)
    assert take(next_one) is None
    with transaction():
        session().execute(
            update(JobRun).where(JobRun.id == claim.id).values(lease_until=datetime.now(UTC), interruptions=2)
        )
    reconcile.free_interrupted()
    assert row(dying).state is RunState.DEAD
    assert execute.run(next_one) is RunState.DEAD
    assert execute.run(limited.one_that_fails.enqueue()) is RunState.DEAD


def test_no_slot_is_lost_when_one_ends_while_another_asks() -> None:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # the proxy's own way
    ids = [limited.one_for_each_calendar.enqueue("a") for _ in range(24)]

    def work(share: Sequence[UUID]) -> None:
        with app.app_context():
            run_all(share)

    threads = [Thread(target=work, args=(ids[number::4],)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for _ in ids:
        run_all([run_id for run_id in ids if not row(run_id).is_held])
    assert {row(run_id).state for run_id in ids} == {RunState.SUCCEEDED}
    assert limited.most("a") == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("100/m", Rate(100, 60)),
        ("5/10s", Rate(5, 10)),
        ("2/d", Rate(2, 86400)),
        (True, Rate(100, 60)),
        (False, None),
    ],
)
def test_a_rate_is_read(text: str | bool, expected: Rate | None) -> None:
    assert Rate.read(text) == expected


@pytest.mark.parametrize("text", ["", "100", "0/m", "100/y", "100 per minute", "1.5/s", "-1/s", "5/0s"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no rate"):
        Rate.read(text)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"rate": "5/m", "rate_key": "nobody"}, "asks for nobody"),
        ({"rate": "5/m", "rate_key": lambda other: other}, "asks for other"),
        ({"rate_key": "name"}, "limits nothing"),
        ({"concurrency_key": "name"}, "limits nothing"),
        ({"concurrency": 0}, "at least 1"),
        ({"rate": True, "durable": False}, "needs a row"),
        ({"rate": "often"}, "is no rate"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused_where_it_is_declared(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):

        @job(queue="maintenance", **options)
        def misdeclared(name: str) -> None:
            """Never declared."""

    assert all("misdeclared" not in declared.name for declared in registry.all_jobs())


def test_a_long_key_is_kept_short_and_still_its_own() -> None:
    limits = Limits(rate=Rate(), rate_key="name")
    keys = {limits.keys("x.y", {"name": letter * 500}).rate for letter in "ab"}
    assert len(keys) == 2
    assert all(key is not None and len(key) <= 200 for key in keys)
