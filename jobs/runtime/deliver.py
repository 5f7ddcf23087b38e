"""What follows a commit: runs go to Redis. A Redis that is away costs nobody anything but a few seconds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from redis import RedisError
from sqlalchemy import Row

from jobs.runtime import carrier, registry
from jobs.runtime.carrier import Carried
from webapp.core.db import after_commit, gather_for_commit
from webapp.core.logs import get_logger
from webapp.core.redis import jobs_redis

log = get_logger(__name__)


def carry_after_commit(*runs: Carried) -> None:
    """Push `runs`, or hand them to the scheduler, once the caller's transaction is committed; all in one round trip."""
    gather_for_commit(_carry, *runs)


def withdraw_after_commit(*run_ids: UUID) -> None:
    """Have Redis forget runs that nobody is to begin any more, once the caller's transaction is committed."""
    after_commit(lambda: _leave_to_reconciler(lambda: carrier.withdraw(jobs_redis(), run_ids)))


def tell_revoked_after_commit(*run_ids: UUID) -> None:
    """Have runs that are under way told that they are to stop, once the caller's transaction is committed."""
    after_commit(lambda: _leave_to_reconciler(lambda: carrier.tell_revoked(jobs_redis(), run_ids)))


def carried(row: Row[Any]) -> Carried:
    """Return what Redis needs to know of a row with the columns id, name, queue, lane, arguments and run_at."""
    return Carried(
        id=row.id,
        path=registry.path_of(row.name),
        queue=row.queue,
        lane=row.lane,
        arguments=row.arguments,
        run_at=row.run_at,
        time_limit=registry.time_limit_of(row.name),
    )


def bury_after_commit(run: Carried) -> None:
    """Show `run` on the dead letter queue once the caller's transaction is committed."""
    after_commit(lambda: _leave_to_reconciler(lambda: carrier.bury(jobs_redis(), run)))


def exhume_after_commit(*run_ids: UUID) -> None:
    """Take runs from the dead letter queue once the caller's transaction is committed."""
    if run_ids:
        after_commit(lambda: _leave_to_reconciler(lambda: carrier.exhume(jobs_redis(), run_ids)))


def _carry(runs: list[Carried]) -> None:
    _leave_to_reconciler(lambda: carrier.carry(jobs_redis(), runs))


def _leave_to_reconciler(step: Callable[[], object]) -> None:
    try:
        step()
    except RedisError as error:
        log.warning("Redis is away: the reconciler will repeat this", error=str(error))
