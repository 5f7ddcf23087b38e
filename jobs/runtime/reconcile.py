"""Sets right what crashes left behind: Redis is made to carry again whatever the rows say should run.

Runs in the scheduler process every few seconds. Two at once do no harm: a run pushed twice is claimed once.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from redis import Redis
from sqlalchemy import Row

from jobs.runtime import carrier, registry, store
from jobs.runtime.carrier import Carried
from jobs.runtime.deliver import bury_after_commit, carry_after_commit
from jobs.runtime.models import RunState
from webapp.core import clock, measures
from webapp.core.db import transaction
from webapp.core.logs import get_logger
from webapp.core.settings import settings

# A run that is due for longer than this should stand in a queue or be running.
OVERDUE_SECONDS = 5.0
PAGE = 2000
PURGE_SECONDS = 60.0
DEAD_RETENTION = timedelta(days=90)

log = get_logger(__name__)


class Reconciler:
    """Remembers how far it has looked, so that each pass costs the same however long the queues are."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._after: tuple[datetime, UUID] | None = None
        self._purge_at = clock.now()

    def run(self) -> None:
        """Make one pass; raises redis.RedisError or sqlalchemy's errors when one of the two is away."""
        free_interrupted()
        if self._redis.exists(carrier.MEMORY_KEY):
            self._push_overdue()
        else:
            self._carry_everything()
        if clock.now() >= self._purge_at:
            self._purge_at = clock.now() + timedelta(seconds=PURGE_SECONDS)
            purge()

    def _push_overdue(self) -> None:
        """Push again the overdue runs of the next page that stand in no queue."""
        with transaction():
            page = store.waiting_page(after=self._after, overdue_by=OVERDUE_SECONDS, limit=PAGE)
        self._after = (page[-1].run_at, page[-1].id) if len(page) == PAGE else None
        if not page:
            return
        queued = carrier.queued_ids(self._redis)
        _push_again(self._redis, [row for row in page if str(row.id) not in queued])

    def _carry_everything(self) -> None:
        """Redis remembers nothing: give it every waiting run, the due ones first, and only then the mark of memory."""
        log.warning("Redis has lost its memory: every waiting run is carried to it again")
        after = None
        while True:
            with transaction():
                page = store.waiting_page(after=after, overdue_by=None, limit=PAGE)
            carrier.carry(self._redis, [carried(row) for row in page])
            measures.count("jobs_pushed_again", len(page), job="", queue="")
            if len(page) < PAGE:
                break
            after = (page[-1].run_at, page[-1].id)
        self._redis.set(carrier.MEMORY_KEY, clock.now().isoformat())


def free_interrupted() -> int:
    """Have every run whose worker vanished run elsewhere; return how many there were."""
    with transaction():
        rows = store.free_expired()
        for row in rows:
            measures.count("jobs_interrupted", job=row.name, queue=row.queue)
            if row.state is RunState.DEAD:
                measures.count("jobs_dead", job=row.name, queue=row.queue)
                bury_after_commit(carried(row))
            else:
                carry_after_commit(carried(row))
            log.warning("run was interrupted", job_id=str(row.id), job=row.name, worker=row.worker, now=row.state.value)
    return len(rows)


def purge() -> None:
    """Delete finished runs past their time, in small batches so that no lock is held for long."""
    retention = timedelta(days=settings().job_retention_days)
    while True:
        with transaction():
            deleted = store.purge(older_than=retention, dead_older_than=DEAD_RETENTION)
        if deleted < store.PURGE_BATCH:
            return


def carried(row: Row[Any]) -> Carried:
    """Return what Redis needs to know of a row of `store.waiting`."""
    return Carried(
        id=row.id,
        path=registry.path_of(row.name),
        queue=row.queue,
        lane=row.lane,
        arguments=row.arguments,
        run_at=row.run_at,
        time_limit=registry.time_limit_of(row.name),
    )


def _push_again(redis: Redis, rows: Iterable[Row[Any]]) -> None:
    lost = [carried(row) for row in rows]
    if lost:
        carrier.push(redis, lost, force=True)
        measures.count("jobs_pushed_again", len(lost), job="", queue="")
        log.warning("runs that Redis had lost were pushed again", runs=len(lost))
