"""Every statement on the rows of background work. All times are the database's own clock but `run_at`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, case, delete, func, literal_column, or_, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.orm import Session

from jobs.runtime.carrier import Carried
from jobs.runtime.current import Claim
from jobs.runtime.models import JobAttempt, JobRun, JobTick, Outcome, RunState
from jobs.runtime.policies import LeaseLost
from webapp.core.db import session, uuid7

MAX_INTERRUPTIONS = 3
PURGE_BATCH = 1000
_POISON = f"its worker vanished {MAX_INTERRUPTIONS} times while running it"
# A worker's clock may be a little ahead of the database's.
CLOCK_TOLERANCE = timedelta(seconds=1)

_CLOSED = "almanac.closed_run"
_KEYED = text("unique_key IS NOT NULL AND state IN ('waiting', 'running')")


def insert(run: Carried, *, name: str, unique_key: str | None, parent: UUID | None, trace: str) -> UUID:
    """Write a waiting run in the caller's transaction; return its id, or that of the live run with its `unique_key`."""
    statement = pg_insert(JobRun).values(
        id=run.id,
        name=name,
        queue=run.queue,
        lane=run.lane,
        arguments=run.arguments,
        state=RunState.WAITING,
        run_at=run.run_at,
        unique_key=unique_key,
        parent_id=parent,
        trace=trace,
    )
    if unique_key is None:
        session().execute(statement)
        return run.id
    # Touching the live row locks it, so that it is still what it was when the caller commits.
    touched = statement.on_conflict_do_update(
        index_elements=[JobRun.unique_key], index_where=_KEYED, set_={"unique_key": JobRun.unique_key}
    )
    return session().execute(touched.returning(JobRun.id)).scalar_one()


def find(run_id: UUID) -> JobRun | None:
    """Return the run with this id as the database has it now, None when there is none."""
    return session().get(JobRun, run_id, populate_existing=True)


def cancel(*, unique_key: str) -> UUID | None:
    """Cancel the waiting run with this key in the caller's transaction; return its id, None when there is none."""
    return session().scalar(
        update(JobRun)
        .where(JobRun.unique_key == unique_key, JobRun.state == RunState.WAITING)
        .values(state=RunState.CANCELLED, finished_at=func.now())
        .returning(JobRun.id)
    )


def take(run_id: UUID, *, worker: str, lease: float) -> Claim | None:
    """Take a waiting, due run: one more attempt and a lease of `lease` seconds; None when it is not to be had."""
    row = (
        session()
        .execute(
            update(JobRun)
            .where(
                JobRun.id == run_id,
                JobRun.state == RunState.WAITING,
                JobRun.run_at <= func.now() + CLOCK_TOLERANCE,
            )
            .values(
                state=RunState.RUNNING,
                attempt=JobRun.attempt + 1,
                lease_until=func.now() + timedelta(seconds=lease),
                worker=worker,
                started_at=func.now(),
            )
            .returning(
                JobRun.id,
                JobRun.name,
                JobRun.queue,
                JobRun.lane,
                JobRun.arguments,
                JobRun.attempt,
                JobRun.failures,
                JobRun.worker,
                JobRun.run_at,
                JobRun.started_at,
                JobRun.trace,
            )
        )
        .one_or_none()
    )
    return Claim(**row._mapping) if row else None


def renew(claims: Sequence[tuple[UUID, int]], *, lease: float, on: Session) -> None:
    """Extend the leases of (run id, attempt) pairs by `lease` seconds from now, as far as they are still held."""
    on.execute(
        update(JobRun)
        .where(tuple_(JobRun.id, JobRun.attempt).in_(claims), JobRun.state == RunState.RUNNING)
        .values(lease_until=func.now() + timedelta(seconds=lease))
        .execution_options(synchronize_session=False)
    )


def assert_held(claim: Claim, *, on: Session) -> None:
    """Hold the run until the caller's transaction ends; raises LeaseLost when it is somebody else's by now.

    A transaction that has closed the run itself holds it already.
    """
    if on.info.pop(_CLOSED, None) == claim.id:
        return
    held = on.scalar(
        select(literal_column("1"))
        .select_from(JobRun)
        .where(JobRun.id == claim.id, JobRun.attempt == claim.attempt, JobRun.state == RunState.RUNNING)
        .with_for_update(read=True)
    )
    if held is None:
        raise LeaseLost(f"run {claim.id} was taken over after attempt {claim.attempt}")


def close(claim: Claim, *, state: RunState, result: Any = None, error: str | None = None) -> None:
    """End the run for good in the caller's transaction; raises LeaseLost when it is not this claim's any more."""
    _change(claim, state=state, finished_at=func.now(), result=result, error=error)


def put_back(claim: Claim, *, delay: float, failed: bool, error: str | None = None) -> datetime:
    """Have the run wait again for `delay` seconds; return its new `run_at`. `failed` charges the retry policy.

    Raises LeaseLost when the run is not this claim's any more.
    """
    return _change(
        claim,
        state=RunState.WAITING,
        run_at=func.now() + timedelta(seconds=delay),
        failures=JobRun.failures + int(failed),
        error=error,
    )


def _change(claim: Claim, **values: Any) -> datetime:
    run_at = (
        session()
        .execute(
            update(JobRun)
            .where(JobRun.id == claim.id, JobRun.attempt == claim.attempt, JobRun.state == RunState.RUNNING)
            .values(lease_until=None, **values)
            .returning(JobRun.run_at)
            .execution_options(synchronize_session=False)
        )
        .scalar_one_or_none()
    )
    if run_at is None:
        raise LeaseLost(f"run {claim.id} was taken over after attempt {claim.attempt}")
    session().info[_CLOSED] = claim.id
    return run_at


def record_attempt(claim: Claim, *, outcome: Outcome, error_type: str, error: str, traceback: str = "") -> None:
    """Keep how this attempt ended, in the caller's transaction."""
    session().add(
        JobAttempt(
            run_id=claim.id,
            attempt=claim.attempt,
            outcome=outcome,
            worker=claim.worker,
            started_at=claim.started_at,
            error_type=error_type,
            error=error,
            traceback=traceback,
        )
    )


def free_expired(*, limit: int = 500) -> list[Row[Any]]:
    """Take runs from workers whose lease ran out; return (id, state, name, queue, lane, arguments, run_at) of each.

    They wait again, at once and at no cost; one that was interrupted for the third time is dead.
    """
    expired = (
        select(JobRun.id)
        .where(JobRun.state == RunState.RUNNING, JobRun.lease_until < func.now())
        .order_by(JobRun.lease_until)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("expired")
    )
    poisonous = JobRun.interruptions + 1 >= MAX_INTERRUPTIONS
    before = (
        select(JobRun.id, JobRun.attempt, JobRun.worker, JobRun.started_at).where(JobRun.id == expired.c.id).subquery()
    )
    rows = (
        session()
        .execute(
            update(JobRun)
            .where(JobRun.id == before.c.id)
            .values(
                state=case((poisonous, RunState.DEAD.value), else_=RunState.WAITING.value),
                interruptions=JobRun.interruptions + 1,
                lease_until=None,
                run_at=func.now(),
                finished_at=case((poisonous, func.now()), else_=None),
                error=case((poisonous, _POISON), else_=JobRun.error),
            )
            .returning(
                JobRun.id,
                JobRun.state,
                JobRun.name,
                JobRun.queue,
                JobRun.lane,
                JobRun.arguments,
                JobRun.run_at,
                before.c.attempt,
                before.c.worker,
                before.c.started_at,
            )
            .execution_options(synchronize_session=False)
        )
        .all()
    )
    if rows:
        session().execute(
            pg_insert(JobAttempt),
            [
                {
                    "id": uuid7(),
                    "run_id": row.id,
                    "attempt": row.attempt,
                    "outcome": Outcome.INTERRUPTED,
                    "worker": row.worker,
                    "started_at": row.started_at,
                    "error_type": "Interrupted",
                    "error": "the worker vanished: its lease ran out",
                }
                for row in rows
            ],
        )
    return list(rows)


_CARRIED = (JobRun.id, JobRun.name, JobRun.queue, JobRun.lane, JobRun.arguments, JobRun.run_at)


def waiting(ids: Sequence[UUID]) -> list[Row[Any]]:
    """Return those of `ids` that wait, as (id, name, queue, lane, arguments, run_at)."""
    return list(session().execute(select(*_CARRIED).where(JobRun.id.in_(ids), JobRun.state == RunState.WAITING)))


def waiting_page(*, after: tuple[datetime, UUID] | None, overdue_by: float | None, limit: int) -> list[Row[Any]]:
    """Return waiting runs in the order of (run_at, id), from behind `after`; only those overdue by so many seconds."""
    query = select(*_CARRIED).where(JobRun.state == RunState.WAITING)
    if overdue_by is not None:
        query = query.where(JobRun.run_at < func.now() - timedelta(seconds=overdue_by))
    if after is not None:
        query = query.where(tuple_(JobRun.run_at, JobRun.id) > after)
    return list(session().execute(query.order_by(JobRun.run_at, JobRun.id).limit(limit)))


def add_tick(*, name: str, scheduled_for: datetime) -> UUID | None:
    """Record a periodic entry's tick; return the record's id, None when somebody else has recorded it."""
    return session().scalar(
        pg_insert(JobTick)
        .values(id=uuid7(), name=name, scheduled_for=scheduled_for)
        .on_conflict_do_nothing(index_elements=["name", "scheduled_for"])
        .returning(JobTick.id)
    )


def set_tick_run(tick_id: UUID, *, run_id: UUID) -> None:
    """Record which run the tick became."""
    session().execute(update(JobTick).where(JobTick.id == tick_id).values(run_id=run_id))


def last_ticks(names: Sequence[str]) -> dict[str, datetime]:
    """Return the latest recorded tick of each name that has one."""
    rows = session().execute(
        select(JobTick.name, func.max(JobTick.scheduled_for).label("last"))
        .where(JobTick.name.in_(names))
        .group_by(JobTick.name)
    )
    return {row.name: row.last for row in rows}


def purge(*, older_than: timedelta, dead_older_than: timedelta) -> int:
    """Delete a batch of finished runs past their time, the dead after a longer one, and old ticks; return how many."""
    old = (
        select(JobRun.id)
        .where(
            JobRun.finished_at < func.now() - older_than,
            or_(JobRun.state != RunState.DEAD, JobRun.finished_at < func.now() - dead_older_than),
        )
        .limit(PURGE_BATCH)
    )
    deleted = session().execute(delete(JobRun).where(JobRun.id.in_(old)).execution_options(synchronize_session=False))
    # The last tick of each entry stays: it says which later ones were missed.
    newer = select(JobTick.name, func.max(JobTick.scheduled_for).label("last")).group_by(JobTick.name).subquery()
    session().execute(
        delete(JobTick)
        .where(JobTick.name == newer.c.name, JobTick.scheduled_for < newer.c.last)
        .where(JobTick.created_at < func.now() - older_than)
        .execution_options(synchronize_session=False)
    )
    return int(deleted.rowcount)  # type: ignore[attr-defined]  # a DELETE's result has a row count
