"""Settles what a child leaves that did not end by itself: its run goes elsewhere, its waiting jobs go back.

Runs in a process of its own, forked for the purpose, so that the supervisor never waits for PostgreSQL or Redis.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from redis import RedisError

from jobs.runtime import reconcile, store
from jobs.runtime.policies import HardTimeLimit, Revoked
from jobs.runtime.prefork import abandoned
from jobs.runtime.prefork.board import Kind, Sight
from jobs.runtime.prefork.exchange import Exchange, Order
from jobs.runtime.prefork.worker import PreforkWorker
from jobs.runtime.settle import persist, settle_failure
from webapp.core import measures, tracing
from webapp.core.logs import bind_job, get_logger
from webapp.core.redis import connect
from webapp.core.settings import settings

REDIS_SECONDS = 5.0

log = get_logger(__name__)


class Cause(StrEnum):
    """Why a child is dead."""

    CRASHED = "crashed"
    TIME = "time"
    MEMORY = "memory"
    REVOKED = "revoked"
    STOPPED = "stopped"


REASONS = {
    Cause.CRASHED: "its worker process ended",
    Cause.MEMORY: "its worker process took too much memory",
    Cause.REVOKED: "it was revoked and did not stop",
    Cause.STOPPED: "the worker was stopped before the job was over",
}


@dataclass(frozen=True, kw_only=True)
class Estate:
    """What is known of a dead child: its name as a worker, its queues, why it died, and what it was doing."""

    worker: str
    queues: tuple[str, ...]
    cause: Cause
    sight: Sight


def settle(estate: Estate) -> None:
    """Settle what the dead child leaves, as far as the database and Redis can be reached; the rest comes right when
    its lease ends. Needs an application context.
    """
    measures.count("workers_lost", cause=estate.cause.value)
    _settle_rows(estate)
    try:
        _settle_orders(estate)
    except RedisError as error:
        log.warning("Redis is away: what the dead worker held is found by the scheduler", error=str(error))
    measures.flush()


def _settle_rows(estate: Estate) -> None:
    if estate.cause is not Cause.TIME:
        charged = estate.cause is not Cause.STOPPED
        persist(partial(reconcile.hand_back, estate.worker, charged=charged, reason=REASONS[estate.cause]))
        return
    for claim in persist(partial(store.claims_of, estate.worker)) or ():
        request_id, _cause = tracing.origin(claim.trace)
        with bind_job(run_id=claim.id, name=claim.name, attempt=claim.attempt, trace=request_id):
            persist(partial(settle_failure, claim, _time_is_up(estate)))


def _time_is_up(estate: Estate) -> HardTimeLimit:
    return HardTimeLimit(f"killed at its hard time limit of {estate.sight.limit:g} s")


def _settle_orders(estate: Estate) -> None:
    """Tell Redis what is over, and hand back the rest. The rows come first: what they had pushed anew stays pushed."""
    redis = connect(settings().redis_url, timeout=REDIS_SECONDS)
    worker = PreforkWorker(estate.queues, name=estate.worker, redis=redis)
    finished: list[Order] = []
    returned: list[Order] = []
    for order in abandoned.held_orders(redis, worker=estate.worker):
        is_over = order.execution in estate.sight.finished
        if order.execution == estate.sight.execution and estate.sight.kind is not Kind.NOTHING:
            is_over = estate.sight.kind is Kind.DURABLE or _is_given_up(estate, worker, order)
        (finished if is_over else returned).append(order)
    Exchange(redis, worker=estate.worker, names=estate.queues).trade(finished=finished, returned=returned)
    worker.leave()


def _is_given_up(estate: Estate, worker: PreforkWorker, order: Order) -> bool:
    """Decide about the job without a row that the child was at: True when it is not to be run again."""
    if estate.cause in {Cause.TIME, Cause.REVOKED}:
        worker.record_failure(order, _time_is_up(estate) if estate.cause is Cause.TIME else Revoked("did not stop"))
        return True
    return estate.cause is not Cause.STOPPED and abandoned.is_poisonous(worker, order)
