"""Every statement on the rows of background work but those that write new ones. All times are the database's own clock
but `run_at`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Result,
    Row,
    Select,
    String,
    and_,
    any_,
    case,
    delete,
    func,
    literal,
    null,
    or_,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.orm import Session

from jobs.runtime import due, fence, ledger, slots
from jobs.runtime.current import Claim
from jobs.runtime.deliver import CARRIED
from jobs.runtime.models import JobAttempt, JobRun, JobTick, Outcome, RunState
from webapp.core.db import session, uuid7

MAX_INTERRUPTIONS = 3
PURGE_BATCH = 1000
POISON = f"its worker vanished {MAX_INTERRUPTIONS} times while running it"

_REVOKED_BY = "revoked by "


def find_unique(unique_key: str, *, succeeded_within: timedelta) -> UUID | None:
    """Return the run with this key that waits, runs, or has succeeded lately; None when there is none.

    Then nobody else who asks like this finds out the same before the caller's transaction ends.
    """
    session().execute(select(func.pg_advisory_xact_lock(func.hashtextextended(unique_key, 1))))
    lately = and_(JobRun.state == RunState.SUCCEEDED, JobRun.finished_at > func.now() - succeeded_within)
    alive = JobRun.state.in_((RunState.WAITING, RunState.RUNNING))
    return session().scalar(
        select(JobRun.id).where(JobRun.unique_key == unique_key, or_(alive, lately)).order_by(JobRun.id.desc()).limit(1)
    )


def find(run_id: UUID) -> JobRun | None:
    """Return the run with this id as the database has it now, None when there is none."""
    return session().get(JobRun, run_id, populate_existing=True)


def cancel_all(*, unique_keys: Sequence[str]) -> list[UUID]:
    """Cancel the waiting runs with these keys in the caller's transaction, in one statement; return their ids."""
    cancelled: Result[Any] = session().execute(
        update(JobRun)
        .where(JobRun.unique_key == any_(literal([*unique_keys], ARRAY(String))), JobRun.state == RunState.WAITING)
        .values(state=RunState.CANCELLED, finished_at=func.now())
        .returning(JobRun.id, JobRun.slot_key, JobRun.is_held)
        .execution_options(synchronize_session=False)
    )
    rows = cancelled.all()
    slots.release(row.slot_key for row in rows if not row.is_held)
    return [row.id for row in rows]


def _pass_slot_on(row: Row[Any] | None) -> None:
    """Let the next run have the slot that a cancelled one may have been woken for and will not take."""
    if row is not None and row.state is RunState.CANCELLED and not row.is_held:
        slots.release([row.slot_key])


def take(run_id: UUID, *, worker: str, lease: float) -> Claim | None:
    """Take a waiting, due run: one more attempt and a lease of `lease` seconds; None when it is not to be had.

    A run that this very worker is recorded to run already may be taken again: the answer to its last try got lost.
    """
    taken = session().connection().exec_driver_sql(ledger.TAKE, {"id": run_id, "worker": worker, "lease": lease})
    row = taken.one_or_none()
    return Claim(*row[1:]) if row else None


def progress(run_ids: Sequence[UUID]) -> list[Row[Any]]:
    """Return (id, state, progress) of those of `run_ids` that there are."""
    query = select(JobRun.id, JobRun.state, JobRun.progress).where(JobRun.id.in_(run_ids))
    return list(session().execute(query))


def revoke(run_id: UUID, *, by: str) -> Row[Any] | None:
    """Cancel the run if it waits, or note that it is to stop if it is under way, in the caller's transaction.

    Return its (id, name, queue, canvas_id, state, …), None when it is neither waiting nor running.
    """
    waiting = JobRun.state == RunState.WAITING
    revoked: Result[Any] = session().execute(
        update(JobRun)
        .where(JobRun.id == run_id, JobRun.state.in_((RunState.WAITING, RunState.RUNNING)))
        .values(
            revoked_by=by,
            state=case((waiting, RunState.CANCELLED.value), else_=JobRun.state),
            finished_at=case((waiting, func.now()), else_=None),
            error=case((waiting, _REVOKED_BY + by), else_=JobRun.error),
        )
        .returning(
            JobRun.id,
            JobRun.name,
            JobRun.queue,
            JobRun.canvas_id,
            JobRun.state,
            JobRun.slot_key,
            JobRun.is_held,
        )
        .execution_options(synchronize_session=False)
    )
    row = revoked.one_or_none()
    _pass_slot_on(row)
    return row


def revoked_by(claim: Claim) -> str | None:
    """Return who has revoked the run, None when nobody has; nobody can until the caller's transaction ends."""
    return session().scalar(select(JobRun.revoked_by).where(JobRun.id == claim.id).with_for_update())


def renew(claims: Sequence[Claim], *, lease: float, on: Session) -> list[UUID]:
    """Extend the leases of `claims` by `lease` seconds from now, as far as they are still held.

    Return the ids of those that somebody has revoked.
    """
    held = tuple_(JobRun.id, JobRun.attempt, JobRun.worker)
    renewed = on.execute(
        update(JobRun)
        .where(held.in_([(claim.id, claim.attempt, claim.worker) for claim in claims]))
        .where(JobRun.state == RunState.RUNNING)
        .values(lease_until=func.now() + timedelta(seconds=lease))
        .returning(JobRun.id, JobRun.revoked_by)
        .execution_options(synchronize_session=False)
    )
    return [row.id for row in renewed if row.revoked_by is not None]


def close(claim: Claim, *, state: RunState, result: Any = None, error: str | None = None, quick: bool = False) -> None:
    """End the run for good in the caller's transaction; raises LeaseLost when it is not this claim's any more.

    A `quick` commit does not wait for the disk: for a transaction that may get lost as a whole.
    """
    _change(claim, quick=quick, state=state, finished_at=func.now(), result=result, error=error)


def put_back(claim: Claim, *, delay: float, failed: bool, error: str | None = None) -> datetime:
    """Have the run wait again for `delay` seconds; return its new `run_at`. `failed` charges the retry policy.

    Raises LeaseLost when the run is not this claim's any more.
    """
    return _change(
        claim,
        state=RunState.WAITING,
        run_at=func.now() + due.in_seconds(delay),
        failures=JobRun.failures + int(failed),
        error=error,
    )


def _change(claim: Claim, *, quick: bool = False, **values: Any) -> datetime:
    if claim.report.latest is not None:
        values["progress"] = claim.report.kept()
    statement = update(JobRun).where(*fence.HELD).values(lease_until=None, **values).returning(JobRun.run_at)
    if quick:
        statement = statement.returning(text(ledger.QUICK))
    run_at: datetime | None = session().connection().execute(statement, fence.terms(claim)).scalar()
    if run_at is None:
        raise fence.taken_over(claim)
    slots.release([claim.slot_key])
    fence.note_closed(claim, on=session())
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


_CLAIM = (
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
    JobRun.canvas_id,
    JobRun.rate_key,
    JobRun.slot_key,
    null().label("canvas_state"),
    JobRun.step,
)


def claims_of(worker: str) -> list[Claim]:
    """Return what `worker` is recorded to run."""
    rows = session().execute(select(*_CLAIM).where(JobRun.worker == worker, JobRun.state == RunState.RUNNING))
    return [Claim(*row) for row in rows]


def free_expired(*, limit: int = 500) -> list[Row[Any]]:
    """Take runs from workers whose lease ran out; return what to carry of each, its state, worker and canvas_id.

    They wait again, at once and at no cost; one that was interrupted for the third time is dead, one that somebody has
    revoked is cancelled.
    """
    expired = select(JobRun.id).where(JobRun.lease_until < func.now()).order_by(JobRun.lease_until).limit(limit)
    return _free(expired, charged=True, reason="the worker vanished: its lease ran out")


def free_worker(worker: str, *, charged: bool, reason: str) -> list[Row[Any]]:
    """Take its runs from a worker that is known to be gone; return them as `free_expired` does.

    Unless `charged`, it does not even count as an interruption.
    """
    return _free(select(JobRun.id).where(JobRun.worker == worker), charged=charged, reason=reason)


_BEFORE = ("attempt", "worker", "started_at")


def _free(which: Select[UUID], *, charged: bool, reason: str) -> list[Row[Any]]:
    freed = which.where(JobRun.state == RunState.RUNNING).with_for_update(skip_locked=True).cte("freed")
    revoked = JobRun.revoked_by.is_not(None)
    poisonous = JobRun.interruptions + int(charged) >= MAX_INTERRUPTIONS
    before = select(JobRun.id, *(getattr(JobRun, name) for name in _BEFORE)).where(JobRun.id == freed.c.id).subquery()
    rows = (
        session()
        .execute(
            update(JobRun)
            .where(JobRun.id == before.c.id)
            .values(
                state=case(
                    (revoked, RunState.CANCELLED.value), (poisonous, RunState.DEAD.value), else_=RunState.WAITING.value
                ),
                interruptions=JobRun.interruptions + int(charged),
                lease_until=None,
                run_at=func.now(),
                finished_at=case((or_(revoked, poisonous), func.now()), else_=None),
                error=case((revoked, _REVOKED_BY + JobRun.revoked_by), (poisonous, POISON), else_=JobRun.error),
            )
            .returning(
                *CARRIED,
                JobRun.state,
                JobRun.canvas_id,
                JobRun.slot_key,
                before.c.attempt,
                before.c.worker,
                before.c.started_at,
            )
            .execution_options(synchronize_session=False)
        )
        .all()
    )
    if rows:
        session().execute(pg_insert(JobAttempt), [_interruption(row, reason) for row in rows])
    return list(rows)


def _interruption(row: Row[Any], reason: str) -> dict[str, Any]:
    return {
        "id": uuid7(),
        "run_id": row.id,
        "attempt": row.attempt,
        "outcome": Outcome.INTERRUPTED,
        "worker": row.worker,
        "started_at": row.started_at,
        "error_type": "Interrupted",
        "error": reason,
    }


def waiting(ids: Sequence[UUID]) -> list[Row[Any]]:
    """Return those of `ids` that wait, as (id, name, queue, lane, arguments, run_at)."""
    return list(session().execute(select(*CARRIED).where(JobRun.id.in_(ids), JobRun.state == RunState.WAITING)))


def waiting_page(*, after: tuple[datetime, UUID] | None, overdue_by: float | None, limit: int) -> list[Row[Any]]:
    """Return waiting runs in the order of (run_at, id), from behind `after`; only those overdue by so many seconds."""
    query = select(*CARRIED).where(JobRun.state == RunState.WAITING)
    if overdue_by is not None:
        query = query.where(JobRun.run_at < func.now() - timedelta(seconds=overdue_by))
    if after is not None:
        query = query.where(tuple_(JobRun.run_at, JobRun.id) > after)
    return list(session().execute(query.order_by(JobRun.run_at, JobRun.id).limit(limit)))


def purge(*, older_than: timedelta, dead_older_than: timedelta) -> int:
    """Delete a batch of finished runs past their time, the dead after a longer one, and old ticks; return how many.

    Members of a canvas go with the canvas.
    """
    old = (
        select(JobRun.id)
        .where(
            JobRun.canvas_id.is_(None),
            JobRun.finished_at < func.now() - older_than,
            or_(JobRun.state != RunState.DEAD, JobRun.finished_at < func.now() - dead_older_than),
        )
        .limit(PURGE_BATCH)
    )
    deleted = session().execute(delete(JobRun).where(JobRun.id.in_(old)).execution_options(synchronize_session=False))
    # The last tick of each entry stays, to show when it ran.
    newer = select(JobTick.name, func.max(JobTick.scheduled_for).label("last")).group_by(JobTick.name).subquery()
    session().execute(
        delete(JobTick)
        .where(JobTick.name == newer.c.name, JobTick.scheduled_for < newer.c.last)
        .where(JobTick.created_at < func.now() - older_than)
        .execution_options(synchronize_session=False)
    )
    return int(deleted.rowcount)  # type: ignore[attr-defined]  # a DELETE's result has a row count
