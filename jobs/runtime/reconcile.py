"""Sets right what crashes left behind: Redis is made to carry again whatever the rows say should run.

Runs in the scheduler process every few seconds. Two at once do no harm: a run pushed twice is claimed once.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from redis import Redis
from sqlalchemy import Row
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from jobs.runtime import carrier, dead_letters, handover, registry, slots, store, tree
from jobs.runtime.deliver import bury_after_commit, carried, carry_after_commit
from jobs.runtime.models import RunState
from jobs.runtime.prefork import abandoned
from webapp.core import clock, measures
from webapp.core.db import transaction
from webapp.core.logs import get_logger
from webapp.core.settings import settings

# A run that is due for longer than this should stand in a queue or be running.
OVERDUE_SECONDS = 5.0
PAGE = 2000
PURGE_SECONDS = 60.0
# A pass purges for so long at most and leaves the rest to the next: the scheduler has more urgent things to do.
PURGE_AT_MOST_SECONDS = 0.5
DEAD_RETENTION = timedelta(days=90)

log = get_logger(__name__)


class Reconciler:
    """Remembers how far it has looked, so that each pass looks at 2,000 overdue rows at most.

    Redis looks for them at the heads of its queues, where they should stand. For what does not it looks through all of
    that queue: about 0.1 s for 300,000 places, in steps of 2 ms. What takes longer asks between two batches whether it
    may `keep_going`.
    """

    def __init__(self, redis: Redis, *, keep_going: Callable[[], bool] = lambda: True) -> None:
        self._redis = redis
        self._keep_going = keep_going
        self._after: tuple[datetime, UUID] | None = None
        self._swept: dict[str, int] = {}
        self._purge_at = clock.now()
        self._believe_leases_at = 0.0

    def run(self) -> None:
        """Make one pass; raises redis.RedisError or sqlalchemy's errors when one of the two is away."""
        try:
            self._pass()
        except (DBAPIError, PoolTimeout):
            # Nobody could renew a lease, so one that runs out now says nothing: the living get the time to do it.
            self._believe_leases_at = time.monotonic() + settings().lease_seconds
            raise

    def _pass(self) -> None:
        if time.monotonic() >= self._believe_leases_at:
            free_interrupted()
        server = carrier.server_id(self._redis)
        if carrier.has_everything(self._redis, server=server):
            self._push_overdue()
        else:
            self._carry_everything(server)
        abandoned.free_abandoned(self._redis, queues=carrier.queue_names())
        abandoned.forget_vanished(self._redis, queues=carrier.queue_names())
        if clock.now() >= self._purge_at:
            is_done = purge(at_most=PURGE_AT_MOST_SECONDS)
            self._purge_at = clock.now() + timedelta(seconds=PURGE_SECONDS if is_done else 0)
        carrier.trim_dead_letters(self._redis)
        carrier.trim_failed(self._redis)
        self._swept = carrier.sweep(self._redis, begin=self._swept)

    def _push_overdue(self) -> None:
        """Push again the overdue runs of the next page that stand in no queue and that nobody is about to start."""
        with transaction():
            page = store.waiting_page(after=self._after, overdue_by=OVERDUE_SECONDS, limit=PAGE)
        self._after = (page[-1].run_at, page[-1].id) if len(page) == PAGE else None
        if not page:
            return
        lost = carrier.lost_ids(self._redis, {row.id: carrier.queue_name(row.queue, row.lane) for row in page})
        if not lost:
            return
        with transaction():  # what was taken or put off while Redis was looking is not lost
            still = store.waiting(list(lost))
        now = clock.now()
        _push_again(self._redis, [row for row in still if row.run_at <= now])

    def _carry_everything(self, server: str) -> None:
        """Redis may lack any run, or all of them: give it every waiting one, the due first, and only then the mark.

        Should another server take over meanwhile, the mark is not its own, and the next pass begins anew. So it does
        when this one may not go on.
        """
        after, missing = None, 0
        while True:
            with transaction():
                page = store.waiting_page(after=after, overdue_by=None, limit=PAGE)
            missing += carrier.carry(self._redis, [carried(row) for row in page])
            if not self._keep_going():
                return
            if len(page) < PAGE:
                break
            after = (page[-1].run_at, page[-1].id)
        if not dead_letters.show_again(self._redis, keep_going=self._keep_going):
            return
        self._redis.set(carrier.MEMORY_KEY, server)
        measures.count("jobs_pushed_again", missing, job="", queue="")
        log.info("Redis is new, was restarted or emptied: it has been given every waiting run", missing=missing)


def free_interrupted() -> int:
    """Have every run whose worker vanished run elsewhere; return how many there were."""
    with transaction():
        rows = store.free_expired()
        _carry_again(rows)
    return len(rows)


def hand_back(worker: str, *, charged: bool, reason: str) -> None:
    """Have the runs of a worker that is known to be gone run elsewhere, in the caller's transaction.

    Unless `charged`, it does not count as an interruption.
    """
    _carry_again(store.free_worker(worker, charged=charged, reason=reason))


def _carry_again(rows: Sequence[Row[Any]]) -> None:
    slots.release(row.slot_key for row in rows if row.state is not RunState.WAITING)
    for row in rows:
        measures.count("jobs_interrupted", job=row.name, queue=row.queue)
        if row.state is RunState.DEAD:
            measures.count("jobs_dead", job=row.name, queue=row.queue)
            bury_after_commit(carried(row))
        elif row.state is RunState.WAITING:
            carry_after_commit(carried(row))
        if row.state is not RunState.WAITING and row.canvas_id is not None:
            handover.member_ended(row.canvas_id, row.state)
        log.warning("run was interrupted", job_id=str(row.id), job=row.name, worker=row.worker, now=row.state.value)


def purge(*, at_most: float = math.inf) -> bool:
    """Delete finished runs, canvases and results past their time, in small batches so that no lock is held for long.

    Begins no further batch after `at_most` seconds; True when nothing is left to delete.
    """
    until = time.monotonic() + at_most
    return all(_in_batches(step, size=size, until=until) for step, size in _purges())


def _purges() -> Iterator[tuple[Callable[[], int], int]]:
    """Yield the steps of a purge, each with the number that it deletes at most; one that deletes fewer is through."""
    times = {"older_than": timedelta(days=settings().job_retention_days), "dead_older_than": DEAD_RETENTION}
    yield partial(store.purge, **times), store.PURGE_BATCH
    yield partial(tree.purge, **times), tree.PURGE_BATCH
    kept = {job.name: job.options.keep_result for job in registry.all_jobs()}
    unusual = {name: keep for name, keep in kept.items() if keep != registry.KEEP_RESULT}
    for name, keep in unusual.items():
        yield partial(tree.clear_results, older_than=keep, of=[name]), tree.CLEAR_BATCH
    yield partial(tree.clear_results, older_than=registry.KEEP_RESULT, but=list(unusual)), tree.CLEAR_BATCH


def _in_batches(step: Callable[[], int], *, size: int, until: float) -> bool:
    """Take `step`, each in a transaction of its own, until one has done fewer than `size`; False when time is up."""
    while True:
        with transaction():
            done = step()
        if done < size:
            return True
        if time.monotonic() >= until:
            return False


def _push_again(redis: Redis, rows: Iterable[Row[Any]]) -> None:
    lost = [carried(row) for row in rows]
    if lost:
        carrier.push(redis, lost, force=True)
        measures.count("jobs_pushed_again", len(lost), job="", queue="")
        log.warning("runs that Redis had lost were pushed again", runs=len(lost))
