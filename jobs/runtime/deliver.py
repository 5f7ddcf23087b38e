"""What follows a commit: runs go to Redis. A Redis that is away costs nobody anything but a few seconds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from redis import RedisError
from sqlalchemy import Row

from jobs.runtime import carrier, registry
from jobs.runtime.carrier import Carried
from jobs.runtime.models import JobRun
from webapp.core.db import after_commit, gather_for_commit
from webapp.core.logs import get_logger
from webapp.core.redis import jobs_redis

log = get_logger(__name__)

# What `carried` needs of a row.
CARRIED = (JobRun.id, JobRun.name, JobRun.queue, JobRun.lane, JobRun.arguments, JobRun.run_at)


def carry_after_commit(*runs: Carried) -> None:
    """Push `runs`, or hand them to the scheduler, once the caller's transaction is committed; all in one round trip."""
    gather_for_commit(_carry, *runs)


def withdraw_after_commit(*run_ids: UUID) -> None:
    """Have Redis forget runs that nobody is to begin any more, once the caller's transaction is committed."""
    _after_commit(
        lambda: carrier.withdraw(jobs_redis(), run_ids),
        otherwise="it still carries runs that are not to begin, and workers will pass over them",
    )


def tell_revoked_after_commit(*run_ids: UUID) -> None:
    """Have runs that are under way told that they are to stop, once the caller's transaction is committed."""
    _after_commit(
        lambda: carrier.tell_revoked(jobs_redis(), run_ids),
        otherwise="runs that are to stop will hear of it when their leases are renewed",
    )


def carried(row: Row[Any]) -> Carried:
    """Return what Redis needs to know of a row with the columns CARRIED."""
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
    _after_commit(
        lambda: carrier.bury(jobs_redis(), run),
        otherwise="a dead letter is in its row alone, and not on the queue of dead letters",
    )


def exhume_after_commit(*run_ids: UUID) -> None:
    """Take runs from the dead letter queue once the caller's transaction is committed."""
    if run_ids:
        _after_commit(
            lambda: carrier.exhume(jobs_redis(), run_ids),
            otherwise="it goes on showing dead letters that are none any more, for a day at most",
        )


def _carry(runs: list[Carried]) -> None:
    lost = {run.path for run in runs if not registry.may_have_row(run.path)}
    otherwise = "the reconciler will push what has a row"
    if lost:
        otherwise += f", but what has none is lost: {', '.join(sorted(lost))}"
    _unless_away(lambda: carrier.carry(jobs_redis(), runs), otherwise=otherwise)


def _after_commit(step: Callable[[], object], *, otherwise: str) -> None:
    after_commit(lambda: _unless_away(step, otherwise=otherwise))


def _unless_away(step: Callable[[], object], *, otherwise: str) -> None:
    """Take the step; when Redis is away, the log says what becomes of it."""
    try:
        step()
    except RedisError as error:
        log.warning(f"Redis is away: {otherwise}", error=str(error))
