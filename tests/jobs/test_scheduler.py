from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread
from typing import Any
from uuid import UUID

import pytest
import time_machine
from flask import Flask
from redis import Redis
from sqlalchemy import func, select, text, update

from bench.jobs.rows import FILL
from jobs.runtime import Cron, Every, cancel, carrier, reconcile, revoke, store
from jobs.runtime import scheduler as scheduler_module
from jobs.runtime.models import JobRun, JobTick, RunState
from jobs.runtime.scheduler import LEADER_KEY, Scheduler
from tests.jobs import labour, sample, workers
from tests.jobs.test_running_jobs import row, work
from webapp.core.db import session, transaction
from webapp.core.redis import jobs_redis
from webapp.operations.queries import queue_states


@pytest.fixture(autouse=True)
def _effects(effects: Flask) -> None:
    jobs_redis().set(carrier.MEMORY_KEY, carrier.server_id(jobs_redis()))


def scheduler(*entries: Every) -> Scheduler:
    return Scheduler(connection=jobs_redis(), entries=entries)


def queued() -> set[str]:
    return {run_id for name in carrier.queue_names() for run_id in workers.queued(name)}


def age(seconds: float) -> None:
    """Make every waiting run due for `seconds`."""
    due_at = datetime.now(UTC) - timedelta(seconds=seconds)
    with transaction():
        session().execute(update(JobRun).values(run_at=due_at))
    redis = jobs_redis()
    for member in redis.zrange(carrier.SCHEDULED_KEY, 0, -1):  # type: ignore[union-attr]  # the asynchronous client's
        redis.zadd(carrier.SCHEDULED_KEY, {member: due_at.timestamp()})


def test_due_jobs_move_to_their_queues_and_later_ones_stay() -> None:
    due = [sample.mark.after(timedelta(minutes=5), f"due {number}") for number in range(3)]
    later = sample.mark.after(timedelta(hours=1), "later")
    leader = scheduler()
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=6)):
        assert leader.enqueue_jobs() == 3
    assert queued() == {str(run_id) for run_id in due}
    assert jobs_redis().zrange(carrier.SCHEDULED_KEY, 0, -1) == [str(later).encode()]


def test_what_is_no_job_of_ours_leaves_the_schedule_and_keeps_nobody_waiting() -> None:
    ours = sample.mark.after(timedelta(minutes=5), "ours")
    jobs_redis().zadd(carrier.SCHEDULED_KEY, {b"somebody else's": 1, b"\xff": 2})
    leader = scheduler()
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=6)):
        assert leader.enqueue_jobs() == 1
    assert queued() == {str(ours)}
    assert jobs_redis().zcard(carrier.SCHEDULED_KEY) == 0


def test_a_delayed_job_keeps_its_lane() -> None:
    run_id = sample.mark_when_there_is_time.after(timedelta(minutes=5), "later")
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=6)):
        assert scheduler().enqueue_jobs() == 1
    assert jobs_redis().lrange("rq:queue:maintenance:low", 0, -1) == [str(run_id).encode()]
    jobs_redis().flushall()
    age(1)
    reconcile.Reconciler(jobs_redis()).run()
    assert jobs_redis().lrange("rq:queue:maintenance:low", 0, -1) == [str(run_id).encode()]


def test_a_cancelled_job_that_is_still_in_the_set_is_not_moved() -> None:
    run_id = sample.mark.once_at(datetime.now(UTC) + timedelta(hours=1), "key", "no")
    with transaction():
        cancel(sample.mark, unique_key="key")
    jobs_redis().zadd(carrier.SCHEDULED_KEY, {str(run_id): 0})  # as if taking it back had failed
    assert scheduler().enqueue_jobs() == 0
    assert jobs_redis().zcard(carrier.SCHEDULED_KEY) == 0
    assert queued() == set()


def test_two_schedulers_move_each_job_once() -> None:
    runs = [sample.mark.after(timedelta(hours=1), str(number)) for number in range(200)]
    age(1)
    app = _current_app()
    barrier = Barrier(2)

    def move() -> None:
        with app.app_context():
            leader = scheduler()
            barrier.wait()
            leader.enqueue_jobs()

    threads = [Thread(target=move) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert jobs_redis().llen("rq:queue:maintenance") == len(runs)


def _current_app() -> Flask:
    from flask import current_app

    return current_app._get_current_object()  # type: ignore[attr-defined, no-any-return]  # the proxy's own way


def test_one_scheduler_leads_and_the_other_takes_over_when_it_resigns() -> None:
    first, second = scheduler(), scheduler()
    assert first.acquire_lock()
    assert not second.acquire_lock()
    assert first.acquire_lock(), "the leader renews its lease"
    second.remove_lock()
    assert not second.acquire_lock(), "nobody gives up a lease that is not theirs"
    first.remove_lock()
    assert second.acquire_lock()


def test_a_leader_that_dies_is_followed_within_ten_seconds() -> None:
    assert scheduler().acquire_lock()
    assert 0 < jobs_redis().pttl(LEADER_KEY) <= 10_000  # type: ignore[operator]  # the asynchronous client's type


def test_missed_ticks_become_one_run() -> None:
    entry = Every(sample.mark, Cron("* * * * *"), {"name": "tick"})
    start = datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC)
    with time_machine.travel(start, tick=False):
        assert scheduler(entry).tick() == 0, "nothing is due before its first tick"
    with time_machine.travel(start + timedelta(minutes=1), tick=False) as traveller:
        leader = scheduler(entry)
        assert leader.tick() == 1
        assert leader.tick() == 0
        traveller.shift(timedelta(minutes=30))
        assert scheduler(entry).tick() == 1, "another leader knows the last tick and makes one run of the missed ones"
    with transaction():
        recorded = session().scalars(select(JobTick.scheduled_for).order_by(JobTick.scheduled_for)).all()
    assert recorded == [datetime(2026, 1, 1, 12, 1, tzinfo=UTC), datetime(2026, 1, 1, 12, 31, tzinfo=UTC)]


def test_two_leaders_for_a_moment_still_make_one_run_of_a_tick() -> None:
    entry = Every(sample.mark, Cron("* * * * *"), {"name": "tick"})
    start = datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC)
    with time_machine.travel(start, tick=False) as traveller:
        first, second = scheduler(entry), scheduler(entry)
        first.tick(), second.tick()
        traveller.shift(timedelta(minutes=1))
        assert first.tick() + second.tick() == 1
    with transaction():
        assert session().scalar(select(func.count()).select_from(JobRun)) == 1


def test_arguments_of_the_periodic_table_are_checked_when_it_is_written() -> None:
    with pytest.raises(ValueError, match="name: field required"):
        Every(sample.mark, Cron("* * * * *"))


def test_a_run_that_no_queue_holds_is_pushed_again() -> None:
    run_id = sample.mark.enqueue("lost")
    jobs_redis().delete("rq:queue:maintenance")  # as after a worker that died behind its pop
    age(reconcile.OVERDUE_SECONDS + 1)
    reconcile.Reconciler(jobs_redis()).run()
    assert queued() == {str(run_id)}
    work()
    assert row(run_id).state is RunState.SUCCEEDED


def test_a_run_that_waits_in_its_queue_is_left_alone() -> None:
    sample.mark.enqueue("waits")
    age(reconcile.OVERDUE_SECONDS + 1)
    reconcile.Reconciler(jobs_redis()).run()
    assert jobs_redis().llen("rq:queue:maintenance") == 1


def test_redis_emptied_is_given_every_waiting_run_again_due_or_not() -> None:
    due = sample.mark.enqueue("due")
    later = sample.mark.after(timedelta(hours=1), "later")
    jobs_redis().flushall()
    reconciler = reconcile.Reconciler(jobs_redis())
    reconciler.run()
    assert queued() == {str(due)}
    assert jobs_redis().zrange(carrier.SCHEDULED_KEY, 0, -1) == [str(later).encode()]
    assert jobs_redis().exists(carrier.MEMORY_KEY)


def test_a_redis_that_took_over_without_the_last_writes_is_given_what_it_lacks_and_nothing_twice() -> None:
    kept, lost = sample.mark.enqueue("kept"), sample.mark.enqueue("lost")
    later = sample.mark.after(timedelta(hours=1), "later")
    redis = jobs_redis()
    redis.delete(f"rq:job:{lost}")
    redis.lrem("rq:queue:maintenance", 0, str(lost))
    redis.delete(carrier.SCHEDULED_KEY)
    redis.set(carrier.MEMORY_KEY, "the id of the server before")
    reconcile.Reconciler(redis).run()
    assert redis.lrange("rq:queue:maintenance", 0, -1) == [str(kept).encode(), str(lost).encode()]
    assert redis.zrange(carrier.SCHEDULED_KEY, 0, -1) == [str(later).encode()]
    assert carrier.has_everything(redis, server=carrier.server_id(redis))


def test_a_pass_remembers_how_far_it_looked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconcile, "PAGE", 2)
    runs = {str(sample.mark.enqueue(str(number))) for number in range(5)}
    age(reconcile.OVERDUE_SECONDS + 1)
    jobs_redis().delete("rq:queue:maintenance")
    reconciler = reconcile.Reconciler(jobs_redis())
    for expected in (2, 4, 5):
        reconciler.run()
        assert len(queued()) == expected
    assert queued() == runs


def failed(count: int) -> list[str]:
    """Have jobs without a row fail; return what RQ lists as failed, those first that it is to forget first."""
    labour.fail_cheaply.enqueue_many([{"mark": str(number)} for number in range(count)])
    work()
    return listed_as_failed()


def listed_as_failed() -> list[str]:
    members: Any = jobs_redis().zrange("rq:failed:bookings", 0, -1)
    return [member.decode() for member in members]


def kept_of(run_id: str) -> int:
    found: Any = jobs_redis().exists(f"rq:job:{run_id}", f"rq:results:{run_id}")
    return int(found)


def test_failed_jobs_without_a_row_are_kept_for_a_day_and_so_many_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carrier, "FAILED_LIMIT", 5)
    monkeypatch.setattr(carrier, "TRIM_AT_MOST", 2)
    ids = failed(10)
    assert [kept_of(run_id) for run_id in ids] == [2] * 10
    redis = jobs_redis()
    reconcile.Reconciler(redis).run()
    assert listed_as_failed() == ids[5:]
    assert [kept_of(run_id) for run_id in ids] == [0] * 5 + [2] * 5
    redis.zadd("rq:failed:bookings", {ids[5]: 1, ids[6]: 1})  # as a day later
    redis.delete(f"rq:job:{ids[5]}", f"rq:results:{ids[5]}")
    reconcile.Reconciler(redis).run()
    assert listed_as_failed() == ids[7:]
    assert kept_of(ids[6]) == 0


def test_what_was_taken_back_leaves_its_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carrier, "SWEEP_PAGE", 3)
    runs = [sample.mark.enqueue(str(number)) for number in range(8)]
    for number in (0, 1, 3, 7):
        revoke(runs[number], by="anna")
    reconciler = reconcile.Reconciler(jobs_redis())
    for _ in range(3):
        reconciler.run()
    left: Any = jobs_redis().lrange("rq:queue:maintenance", 0, -1)
    assert [UUID(member.decode()) for member in left] == [runs[number] for number in (2, 4, 5, 6)]
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=1)):
        [state] = queue_states(["maintenance"], redis=jobs_redis())
    assert (state.waiting, state.oldest_seconds > 50) == (4, True)
    work()
    assert sample.marks().keys() == {"2", "4", "5", "6"}


@pytest.mark.parametrize("step", ["what is due", "everything"])
def test_a_leader_keeps_its_lease_and_the_time_through_a_long_round(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconcile, "PAGE", 2)
    monkeypatch.setattr(scheduler_module, "MOVE_BATCH", 2)
    for number in range(8):
        sample.mark.after(timedelta(hours=1), str(number))
    if step == "what is due":
        age(1)
    else:
        jobs_redis().delete(carrier.MEMORY_KEY)
    leader = scheduler(Every(sample.mark, Cron("* * * * *"), {"name": "tick"}))
    leader.tick()
    left: list[Any] = []
    carry = carrier.push if step == "what is due" else carrier.carry

    def slowly(redis: Redis, runs: Any) -> int:
        if len(runs) == reconcile.PAGE:  # and not the run of a tick
            left.append(redis.pttl(LEADER_KEY))
            redis.pexpire(LEADER_KEY, 1000)  # as after a while
            traveller.shift(timedelta(minutes=1))
        return carry(redis, runs)

    monkeypatch.setattr(carrier, carry.__name__, slowly)
    with time_machine.travel(datetime.now(UTC)) as traveller:
        leader._round()
    assert len(left) >= 4
    assert min(left) > 3000, "it is renewed for each batch"
    with transaction():
        ticks = session().scalar(select(func.count()).select_from(JobTick)) or 0
    assert ticks >= 3, "the periodic jobs did not wait for its end"


def test_who_has_lost_the_lead_leaves_the_rest_to_the_new_leader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconcile, "PAGE", 2)
    for number in range(7):
        sample.mark.after(timedelta(hours=1), str(number))
    jobs_redis().flushall()
    leader, other = scheduler(), scheduler()
    carry = carrier.carry

    def overtaken(redis: Redis, runs: Any) -> int:
        redis.delete(LEADER_KEY)
        assert other.acquire_lock()
        return carry(redis, runs)

    monkeypatch.setattr(carrier, "carry", overtaken)
    leader._round()
    assert jobs_redis().zcard(carrier.SCHEDULED_KEY) == 2
    assert not jobs_redis().exists(carrier.MEMORY_KEY), "the other has to know that there is more"


def test_finished_runs_and_old_ticks_are_purged_and_the_last_tick_stays() -> None:
    old = sample.mark.enqueue("old")
    dead = sample.refuse.enqueue("dead")
    work()
    fresh = sample.mark.enqueue("fresh")
    work()
    long_ago = datetime.now(UTC) - timedelta(days=30)
    with transaction():
        session().execute(update(JobRun).where(JobRun.id.in_([old, dead])).values(finished_at=long_ago))
        for minute in (1, 2):
            session().add(JobTick(name="x", scheduled_for=long_ago + timedelta(minutes=minute), created_at=long_ago))
    reconcile.purge()
    with transaction():
        assert set(session().scalars(select(JobRun.id))) == {dead, fresh}
        assert list(session().scalars(select(JobTick.scheduled_for))) == [long_ago + timedelta(minutes=2)]


def test_a_purge_that_would_take_long_leaves_the_rest_to_the_next_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    with transaction():
        session().execute(text(FILL), {"rows": 2500})
        session().execute(text("UPDATE job_run SET finished_at = now() - interval '8 days' WHERE state = 'succeeded'"))
    monkeypatch.setattr(reconcile, "PURGE_AT_MOST_SECONDS", 0.0)  # for a single batch
    with transaction():
        old = session().scalars(select(JobRun.id).where(JobRun.state == RunState.SUCCEEDED)).all()
    reconciler = reconcile.Reconciler(jobs_redis())
    left = []
    for _ in range(-(-len(old) // store.PURGE_BATCH)):
        reconciler.run()
        with transaction():
            left.append(session().scalar(select(func.count()).where(JobRun.id.in_(old))))
    assert left == [len(old) - 1000, len(old) - 2000, 0]
