"""Concurrency limits: so many runs of one key at a time, decided by PostgreSQL when a run is taken.

All that changes how many run under a key does so under that key's advisory lock. A run that finds no slot is held: it
leaves the queue, and the next one that ends under the key sends the longest waiting back.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from jobs.runtime import ledger, registry
from jobs.runtime.current import Claim
from jobs.runtime.deliver import CARRIED, carried, carry_after_commit
from jobs.runtime.models import JobRun, RunState
from webapp.core.db import after_commit, session, transaction
from webapp.core.logs import get_logger

log = get_logger(__name__)

# A held run looks again by itself after so long: when a limit was raised, or whoever was to pass its slot on has died.
HELD_SECONDS = 60.0


def take(run_id: UUID, *, worker: str, lease: float) -> Claim | None:
    """Take a waiting, due run that needs a slot, in the caller's transaction; None when it is not to be had.

    When only the slot is missing, it is held until there is one. The lease is in seconds.
    """
    # The row before the lock, as everybody has it: whoever closes a run holds its row and then wants the lock.
    due = JobRun.run_at <= func.now() + ledger.CLOCK_TOLERANCE
    waiting = session().execute(
        select(JobRun.name, JobRun.slot_key)
        .where(JobRun.id == run_id, JobRun.state == RunState.WAITING, JobRun.slot_key.is_not(None), due)
        .with_for_update()
    )
    row = waiting.one_or_none()
    if row is None:
        return None
    _lock(row.slot_key)
    values = {
        "id": run_id,
        "worker": worker,
        "lease": lease,
        "key": row.slot_key,
        "limit": registry.limits_of(row.name).concurrency,
    }
    taken = session().connection().exec_driver_sql(ledger.TAKE_SLOT, values).one_or_none()
    if taken is not None:
        return Claim(*taken[1:])
    _hold(run_id)
    return None


def release(keys: Iterable[str | None]) -> None:
    """Have the longest held run of each key try again, in the transaction in which one of that key ends."""
    for key in sorted({key for key in keys if key is not None}):  # always in the same order, against deadlocks
        _lock(key)
        held = select(JobRun.id).where(JobRun.slot_key == key, JobRun.is_held, JobRun.state == RunState.WAITING)
        longest = held.order_by(JobRun.id).limit(1).with_for_update(skip_locked=True)
        _wait(longest.scalar_subquery(), held=False, delay=0)


def release_after_commit(keys: Iterable[str | None]) -> None:
    """Release the keys once the caller's transaction is committed, when its locks on other rows are gone.

    Should that fail, those who wait look by themselves within a minute or so.
    """
    turns = {key for key in keys if key is not None}

    def pass_on() -> None:
        try:
            with transaction():
                release(turns)
        except (DBAPIError, PoolTimeout) as error:
            log.warning("slots were not handed on; whoever waits looks again within a minute", error=str(error))

    if turns:
        after_commit(pass_on)


def _hold(run_id: UUID) -> None:
    _wait(run_id, held=True, delay=HELD_SECONDS * random.uniform(0.9, 1.1))  # noqa: S311  # spreads load, guards nothing


def _wait(which: object, *, held: bool, delay: float) -> None:
    row = (
        session()
        .execute(
            update(JobRun)
            .where(JobRun.id == which)
            .values(is_held=held, run_at=func.now() + timedelta(seconds=delay))
            .returning(*CARRIED)
            .execution_options(synchronize_session=False)
        )
        .one_or_none()
    )
    if row is not None:
        carry_after_commit(carried(row))


def _lock(key: str) -> None:
    session().execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))
