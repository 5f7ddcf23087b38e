"""What follows a commit: runs go to Redis. A Redis that is away costs nobody anything but a few seconds."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from redis import RedisError

from jobs.runtime import carrier
from jobs.runtime.carrier import Carried
from webapp.core.db import after_commit, session
from webapp.core.logs import get_logger
from webapp.core.redis import jobs_redis

_PENDING = "almanac.runs_to_carry"

log = get_logger(__name__)


def carry_after_commit(run: Carried) -> None:
    """Push `run`, or hand it to the scheduler, once the caller's transaction is committed; all in one round trip."""
    pending: list[Carried] | None = session().info.get(_PENDING)
    if pending is None:
        pending = session().info[_PENDING] = []
        after_commit(_carry_pending)
    pending.append(run)


def withdraw_after_commit(run_id: UUID) -> None:
    """Take `run_id` out of the scheduler's set once the caller's transaction is committed."""
    after_commit(lambda: _leave_to_reconciler(lambda: carrier.withdraw(jobs_redis(), [run_id])))


def bury_after_commit(run: Carried) -> None:
    """Show `run` on the dead letter queue once the caller's transaction is committed."""
    after_commit(lambda: _leave_to_reconciler(lambda: carrier.bury(jobs_redis(), run)))


def _carry_pending() -> None:
    pending: list[Carried] = session().info.pop(_PENDING)
    _leave_to_reconciler(lambda: carrier.carry(jobs_redis(), pending))


def _leave_to_reconciler(step: Callable[[], None]) -> None:
    try:
        step()
    except RedisError as error:
        log.warning("Redis is away: the reconciler will repeat this", error=str(error))
