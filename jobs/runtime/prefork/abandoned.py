"""What workers hold by Redis's account, and what becomes of it when a whole machine is gone."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from redis import Redis
from rq.executions import WORKER_EXECUTIONS_KEY_TEMPLATE
from rq.job import Job
from rq.registry import StartedJobRegistry
from rq.worker_registration import REDIS_WORKER_KEYS, WORKERS_BY_QUEUE_KEY

from jobs.runtime.lua import read_script
from jobs.runtime.prefork.exchange import Exchange, Order
from jobs.runtime.prefork.worker import PreforkWorker
from jobs.runtime.store import MAX_INTERRUPTIONS, POISON
from webapp.core import clock, measures
from webapp.core.logs import get_logger

# After Redis was away, live workers have so many seconds to say that they are.
BENEFIT_OF_DOUBT_SECONDS = 10
BATCH = 1000

_COUNT_INTERRUPTION = read_script("count_interruption")
_FORGET_WORKERS = read_script("forget_workers")

log = get_logger(__name__)


def held_orders(redis: Redis, *, worker: str) -> list[Order]:
    """Return what `worker` holds, without its data; raises redis.RedisError."""
    members: Any = redis.smembers(WORKER_EXECUTIONS_KEY_TEMPLATE.format(worker))
    orders = [_order(member) for member in members]
    with redis.pipeline(transaction=False) as pipeline:
        for order in orders:
            pipeline.hget(_job_key(order.id), "origin")
        origins = pipeline.execute()
    return [order._replace(queue=(origin or b"").decode()) for order, origin in zip(orders, origins, strict=True)]


def is_poisonous(worker: PreforkWorker, order: Order) -> bool:
    """Count that a job without a row was interrupted; the third time, put it among the failed ones and return True."""
    count = worker.connection.register_script(_COUNT_INTERRUPTION)
    if int(count(keys=[_job_key(order.id)])) < MAX_INTERRUPTIONS:
        return False
    worker.record_failure(order, RuntimeError(POISON))
    return True


def free_abandoned(redis: Redis, *, queues: list[str]) -> int:
    """Put jobs back on their queues whose workers have given no sign of life; return how many.

    Whoever ended in order has left nothing behind, and what a killed child leaves its supervisor settles: this is
    for machines that are gone. Raises redis.RedisError.
    """
    until = clock.now().timestamp() - BENEFIT_OF_DOUBT_SECONDS
    by_worker: defaultdict[str, list[Order]] = defaultdict(list)
    for queue in queues:
        key = StartedJobRegistry.key_template.format(queue)
        members: Any = redis.zrange(key, "-inf", str(until), byscore=True, offset=0, num=BATCH)
        for member in members:
            order = _order(member)._replace(queue=queue)
            name: Any = redis.hget(_job_key(order.id), "worker_name")
            by_worker[(name or b"").decode()].append(order)
    for name, orders in by_worker.items():
        worker = PreforkWorker(queues, name=name or "nobody", redis=redis)
        given_up = [order for order in orders if is_poisonous(worker, order)]
        returned = [order for order in orders if order not in given_up]
        Exchange(redis, worker=name, names=queues).trade(finished=given_up, returned=returned)
        measures.count("workers_lost", cause="vanished")
        log.warning("a worker has vanished with jobs in hand", worker=name, jobs=len(orders))
    return sum(map(len, by_worker.values()))


def forget_vanished(redis: Redis, *, queues: list[str]) -> int:
    """Take from RQ's lists the workers whose records have run out, for our workers never do; return how many.

    Who ends in order, or leaves a supervisor behind, takes leave. Raises redis.RedisError.
    """
    forget = redis.register_script(_FORGET_WORKERS)
    return int(forget(keys=[REDIS_WORKER_KEYS, *(WORKERS_BY_QUEUE_KEY % queue for queue in queues)]))


def _order(member: bytes) -> Order:
    job, _, execution = member.decode().rpartition(":")
    return Order(job, execution, "", "", b"")


def _job_key(job: str) -> str:
    return f"{Job.redis_job_namespace_prefix}{job}"
