"""What goes between a worker and the queues, and between a worker and its rows: order, fairness, and lost answers."""

from __future__ import annotations

import time
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from rq import Worker
from rq.job import Job
from rq.serializers import JSONSerializer
from sqlalchemy import text, update

from jobs.runtime import carrier, deliver, execute, reconcile, store
from jobs.runtime.carrier import queue_names
from jobs.runtime.current import Done
from jobs.runtime.ledger import Ledger
from jobs.runtime.models import JobRun, RunState
from jobs.runtime.policies import LeaseLost
from jobs.runtime.prefork import exchange
from jobs.runtime.prefork.exchange import Draw, Exchange, Order, unpack
from jobs.runtime.prefork.worker import PreforkWorker
from tests.jobs import labour, workers
from tests.jobs.workers import queued, row
from webapp.core.db import db, session, transaction, uuid7
from webapp.core.redis import jobs_redis
from webapp.core.settings import QUEUE_WEIGHTS

pytestmark = pytest.mark.usefixtures("effects")


def exchange_of(name: str = "one") -> Exchange:
    worker = PreforkWorker(queue_names(), name=name, redis=jobs_redis())
    worker.beat(state="idle", order=None)
    return Exchange(jobs_redis(), worker=name, names=queue_names())


def put(count: int, *, queue: str = "bookings", lane: str = "default") -> list[str]:
    """Put jobs without a row on a queue; return their ids."""
    ids = labour.work_cheaply.enqueue_many([{"mark": f"{queue}:{lane}:{n}"} for n in range(count)])
    if (queue, lane) != ("bookings", "default"):
        name = carrier.queue_name(queue, lane)
        for run_id in ids:
            jobs_redis().lrem("rq:queue:bookings", 1, str(run_id))
            jobs_redis().hset(f"rq:job:{run_id}", "origin", name)
            jobs_redis().rpush(f"rq:queue:{name}", str(run_id))
    return [str(run_id) for run_id in ids]


def ids_of(orders: list[Order]) -> list[str]:
    return [order.id for order in orders]


# Queues


def test_jobs_are_taken_in_order_and_carry_what_it_takes_to_run_them() -> None:
    ids = put(5)
    taken = exchange_of().trade(want=3)
    assert ids_of(taken) == ids[:3]
    assert queued() == ids[3:]
    assert [(order.path, unpack(order.data)) for order in taken[:1]] == [
        ("tests.jobs.labour.work_cheaply", {"mark": "bookings:default:0"})
    ]


def test_what_is_taken_stands_in_rqs_books_and_what_is_finished_in_none() -> None:
    put(2)
    one = exchange_of()
    taken = one.trade(want=2)
    worker = Worker.find_by_key("rq:worker:one", connection=jobs_redis(), serializer=JSONSerializer)
    assert worker is not None
    assert {execution.job_id for execution in worker.get_current_executions()} == set(ids_of(taken))
    assert worker.get_state() == "busy"
    started = Job.fetch(taken[0].id, connection=jobs_redis(), serializer=JSONSerializer)
    assert (started.get_status(), started.worker_name) == ("started", "one")
    assert started.started_at is not None
    one.trade(finished=taken, seconds=0.5, failed=1)
    assert workers.leftovers() == set()
    assert list(jobs_redis().scan_iter("rq:job:*")) == []
    worker.refresh()  # type: ignore[no-untyped-call]  # RQ's own
    assert (worker.successful_job_count, worker.failed_job_count, worker.total_working_time) == (1, 1, 0.5)


def test_what_is_handed_back_stands_at_the_head_of_its_queue_in_its_old_order() -> None:
    ids = put(6)
    one = exchange_of()
    taken = one.trade(want=4)
    one.trade(finished=taken[:1], returned=taken[1:])
    assert queued() == ids[1:]
    assert workers.leftovers() == set()
    assert Job.fetch(ids[1], connection=jobs_redis(), serializer=JSONSerializer).get_status() == "queued"


def test_saying_the_same_twice_does_no_harm() -> None:
    ids = put(3)
    one = exchange_of()
    taken = one.trade(want=2)
    for _ in range(2):
        one.trade(finished=taken[:1], returned=taken[1:])
    assert queued() == ids[1:]


def test_a_job_that_was_pushed_anew_or_buried_while_it_ran_is_left_alone() -> None:
    run_id = labour.work.enqueue("again")
    one = exchange_of()
    taken = one.trade(want=1)
    with transaction():
        rows = store.waiting([run_id])
    carrier.push(jobs_redis(), [deliver.carried(rows[0])])
    one.trade(finished=taken)
    assert queued() == [str(run_id)]
    assert jobs_redis().exists(f"rq:job:{run_id}")
    taken = one.trade(want=1)
    carrier.bury(jobs_redis(), deliver.carried(rows[0]))
    one.trade(finished=taken)
    assert jobs_redis().exists(f"rq:job:{run_id}")
    assert queued("dead_letter") == [str(run_id)]


def test_what_a_lost_answer_gave_away_goes_back() -> None:
    ids = put(4)
    exchange_of().trade(want=2)  # nobody reads the answer
    taken = exchange_of().trade(want=1, recover=True)
    assert sorted([*ids_of(taken), *queued()]) == sorted(ids)


def test_the_reconciler_does_not_push_again_what_a_worker_is_about_to_begin() -> None:
    run_id = labour.work.enqueue("held")
    exchange_of().trade(want=1)
    assert carrier.lost_ids(jobs_redis(), {run_id: "bookings"}) == set()


def test_what_is_run_while_the_reconciler_looks_for_it_is_not_pushed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = labour.work.enqueue("quick")
    with transaction():
        session().execute(update(JobRun).values(run_at=JobRun.run_at - timedelta(minutes=1)))
    jobs_redis().delete("rq:queue:bookings")
    look = carrier.lost_ids

    def look_slowly(*asked: Any) -> set[UUID]:
        lost = look(*asked)
        assert lost == {run_id}
        assert execute.run(run_id) is RunState.SUCCEEDED
        return lost

    monkeypatch.setattr(carrier, "lost_ids", look_slowly)
    reconciler = reconcile.Reconciler(jobs_redis())
    jobs_redis().set(carrier.MEMORY_KEY, carrier.server_id(jobs_redis()))
    reconciler.run()
    assert queued() == []


def test_a_run_is_lost_that_stands_in_no_list_however_long_and_is_in_nobodys_hands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(carrier, "FIND_PAGE", 3)
    taken = UUID(put(1)[0])
    exchange_of().trade(want=1)
    standing = {
        UUID(run_id): queue
        for queue, many in (("bookings", 8), ("maintenance", 6))
        for run_id in put(many, queue=queue)
    }
    lost = {uuid7(): "bookings", uuid7(): "email"}
    assert carrier.lost_ids(jobs_redis(), {taken: "bookings"} | standing | lost) == lost.keys()
    assert carrier.lost_ids(jobs_redis(), standing) == set()
    assert carrier.lost_ids(jobs_redis(), {}) == set()


def test_a_full_queue_does_not_starve_a_lighter_one() -> None:
    put(600)
    put(50, queue="maintenance")
    one = exchange_of()
    seen = Counter(order.queue for _ in range(300) for order in one.trade(want=1))
    assert seen["maintenance"] >= 3


def test_a_neglected_queue_or_lane_comes_first_whatever_was_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "LOW_FIRST_ONE_IN", 10**9)
    monkeypatch.setattr(exchange, "FAIRNESS_SECONDS", 0.0)
    put(50, lane="high")
    low = put(2, lane="low")
    one = exchange_of()
    now = time.time()
    jobs_redis().hset("almanac:served", mapping=dict.fromkeys(queue_names(), now))
    assert not set(low) & set(ids_of(one.trade(want=10)))
    jobs_redis().hset("almanac:served", "bookings:low", str(now - exchange.PATIENCE_SECONDS - 1))
    assert ids_of(one.trade(want=10))[0] == low[0]
    assert low[1] not in ids_of(one.trade(want=10)), "it has had its turn"


def test_urgent_lanes_come_first_and_all_others_get_a_share() -> None:
    draw = Draw(["bookings:low", "bookings", "bookings:high"])
    orders = Counter(tuple(draw.queues()) for _ in range(2000))
    assert orders.keys() == {
        ("bookings:high", "bookings", "bookings:low"),
        ("bookings:low", "bookings", "bookings:high"),
    }
    assert 20 < orders["bookings:low", "bookings", "bookings:high"] < 300


def test_queues_come_first_in_proportion_to_their_weights() -> None:
    draw = Draw(list(QUEUE_WEIGHTS))
    first = Counter(draw.queues()[0] for _ in range(9000))
    for queue, weight in QUEUE_WEIGHTS.items():
        assert first[queue] == pytest.approx(9000 * weight / 18, rel=0.25), queue


def test_a_push_rings_for_as_many_workers_as_there_are_jobs_up_to_a_limit() -> None:
    put(3)
    assert jobs_redis().llen(carrier.BELLS + "bookings") == 3
    put(200)
    assert jobs_redis().llen(carrier.BELLS + "bookings") == carrier.BELL_LENGTH
    assert not jobs_redis().exists(carrier.BELLS + "email")


# Rows


@pytest.fixture
def ledger() -> Any:
    opened = Ledger(db.engine, worker="one", lease=15)
    yield opened
    opened.disconnect()


def done_run(ledger: Ledger, mark: str) -> Done:
    claim = ledger.take(labour.work.enqueue(mark))
    assert claim is not None
    return Done(claim, {"value": mark})


def test_one_statement_closes_a_run_and_takes_the_next(ledger: Ledger) -> None:
    done = done_run(ledger, "first")
    following = labour.work.enqueue("second")
    closed, claim = ledger.exchange(done, following)
    assert closed
    assert claim is not None
    assert (claim.id, claim.attempt, claim.worker, claim.arguments) == (following, 1, "one", {"mark": "second"})
    assert claim.started_at.utcoffset() is not None
    first = row(done.claim.id)
    assert (first.state, first.result) == (RunState.SUCCEEDED, {"value": "first"})
    assert row(following).state is RunState.RUNNING


def test_a_run_that_is_not_to_be_had_does_not_keep_the_last_from_being_closed(ledger: Ledger) -> None:
    done = done_run(ledger, "first")
    assert ledger.exchange(done, UUID(int=7)) == (True, None)
    assert ledger.exchange(done, UUID(int=7)) == (False, None), "it is closed once"


def test_a_claim_whose_answer_was_lost_can_be_repeated_by_the_same_worker_alone(ledger: Ledger) -> None:
    run_id = labour.work.enqueue("lost")
    first, second = ledger.take(run_id), ledger.take(run_id)
    assert first is not None
    assert second is not None
    assert (first.attempt, second.attempt) == (1, 2)
    other = Ledger(db.engine, worker="two", lease=15)
    assert other.take(run_id) is None
    other.disconnect()
    assert not ledger.close(Done(first, None)), "the older claim is void"
    assert ledger.close(Done(second, None))


def test_the_fence_names_the_worker_and_not_the_number_of_the_attempt_alone(ledger: Ledger) -> None:
    done = done_run(ledger, "first")
    with transaction():
        session().execute(text("UPDATE job_run SET worker = 'two'"))  # as after a crash that forgot the first claim
    assert not ledger.close(done)
    with pytest.raises(LeaseLost), transaction():
        store.close(done.claim, state=RunState.SUCCEEDED)


def test_the_ledger_does_not_wait_for_the_disk_and_leaves_other_statements_alone(ledger: Ledger) -> None:
    ledger.take(labour.work.enqueue("quick"))
    connection = ledger._connection
    assert connection is not None
    assert connection.execute("SHOW synchronous_commit").fetchone() == (_default_commit(),)


def _default_commit() -> str:
    with transaction():
        return str(session().scalar(text("SHOW synchronous_commit")))


def test_a_ledger_whose_connection_is_cut_says_so_and_connects_again(ledger: Ledger) -> None:
    run_id = labour.work.enqueue("cut")
    ledger.take(labour.work.enqueue("first"))
    with transaction():
        session().execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
        )
    with pytest.raises(psycopg.Error):
        ledger.take(run_id)
    claim = ledger.take(run_id)
    assert claim is not None
