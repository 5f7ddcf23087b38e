"""What becomes of a run when its work has failed or was interrupted: its row, the record of the attempt, its queue."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any, TypeVar

import backoff
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from jobs.runtime import handover, registry, store
from jobs.runtime.carrier import Carried
from jobs.runtime.current import Claim
from jobs.runtime.deliver import bury_after_commit, carry_after_commit
from jobs.runtime.models import Outcome, RunState
from jobs.runtime.plain import made_keepable
from jobs.runtime.policies import LeaseLost, Postponed, RetryLater, Revoked
from webapp.core import clock, measures, tracing
from webapp.core.db import passes_by_itself, transaction
from webapp.core.failures import PermanentFailure, TemporaryFailure, Unavailable
from webapp.core.hidden import hide
from webapp.core.logs import get_logger
from webapp.core.settings import settings

T = TypeVar("T")

UNKNOWN_JOB_SECONDS = 30.0
DATABASE_AWAY_SECONDS = 5.0
# What is raised when the database goes away under us; OperationalError also covers deadlocks and lock time-outs.
AWAY = (OperationalError, InterfaceError, PoolTimeout)

log = get_logger(__name__)


def persist(write: Callable[[], T]) -> T | None:
    """Write the outcome in a transaction of its own, patient with a database that is away for less than a lease."""
    patient = backoff.on_exception(
        backoff.constant, AWAY, interval=0.5, jitter=None, max_time=settings().lease_seconds, logger=None
    )

    def attempt() -> T:
        with transaction():
            return write()

    try:
        return patient(attempt)()
    except LeaseLost:
        log.warning("job was taken over by another worker before it could be closed")
    except AWAY:
        log.warning("the database stays away: the run goes elsewhere when its lease ends")
    return None


def end(claim: Claim, *, state: RunState, result: Any = None, error: str | None = None, quick: bool = False) -> None:
    """End the run for good in the caller's transaction, and hand over to the next step when it is part of a canvas.

    A `quick` commit does not wait for the disk. Raises LeaseLost when the run is not this claim's any more.
    """
    store.close(claim, state=state, result=result, error=error, quick=quick)
    if claim.canvas_id is not None:
        handover.member_ended(claim.canvas_id, state)


def settle_failure(claim: Claim, error: BaseException) -> RunState:
    """Record, in the caller's transaction, that the run has failed; have it tried again as its policy says, or die.

    Returns the state that it is left in; raises LeaseLost when the run is not this claim's any more.
    """
    if isinstance(error, Revoked):
        return _cancel(claim, str(error))
    if isinstance(error, PermanentFailure):
        return _die(claim, error)
    if isinstance(error, Unavailable):
        return put_off(claim, delay=error.retry_after, reason=str(error))
    if isinstance(error, Postponed | registry.UnknownJob) or passes_by_itself(error):
        return wait_again(claim, delay=_postponed_for(error), outcome=Outcome.POSTPONED, error=error)
    delay = _retry_delay(claim, error)
    if delay is None:
        return _die(claim, error)
    tracing.failed(error)
    measures.count("jobs_failed", job=claim.name, queue=claim.queue)
    return wait_again(claim, delay=delay, outcome=Outcome.FAILED, error=error)


def _postponed_for(error: BaseException) -> float:
    match error:
        case Postponed():
            return error.seconds
        case registry.UnknownJob():  # a newer release has enqueued it, and its workers are about to start
            return UNKNOWN_JOB_SECONDS
    return DATABASE_AWAY_SECONDS


def _retry_delay(claim: Claim, error: BaseException) -> float | None:
    """Return the seconds until the next try; None when there is none left, or none for such an error."""
    policy = registry.find_job(claim.name).options.retry
    delay = policy.delay_after(claim.failures + 1)
    if delay is None or policy.gives_up_on(error):
        return None
    if isinstance(error, RetryLater):
        return error.seconds
    if isinstance(error, TemporaryFailure) and error.retry_after is not None:
        return max(delay, error.retry_after)
    return delay


def _cancel(claim: Claim, reason: str) -> RunState:
    asked_by = store.revoked_by(claim)
    end(claim, state=RunState.CANCELLED, error=f"revoked by {asked_by}" if asked_by else reason)
    measures.count("jobs_cancelled", job=claim.name, queue=claim.queue)
    log.warning("job was stopped", reason=reason, asked_by=asked_by)
    return RunState.CANCELLED


def _die(claim: Claim, error: BaseException) -> RunState:
    if store.revoked_by(claim):
        return _cancel(claim, _described(error))
    tracing.failed(error)
    end(claim, state=RunState.DEAD, error=_described(error))
    _record(claim, Outcome.FAILED, error)
    bury_after_commit(_carried(claim))
    measures.count("jobs_failed", job=claim.name, queue=claim.queue)
    measures.count("jobs_dead", job=claim.name, queue=claim.queue)
    log.error("job is dead", error=_described(error), exc_info=error)
    return RunState.DEAD


def put_off(claim: Claim, *, delay: float, reason: str) -> RunState:
    """Have the run wait for something outside of it, in the caller's transaction, without a record of an attempt.

    Raises LeaseLost when the run is not this claim's any more.
    """
    if store.revoked_by(claim):
        return _cancel(claim, "revoked before it began")
    run_at = store.put_back(claim, delay=delay, failed=False, error=_clean(reason)[:2000])
    carry_after_commit(_carried(claim, run_at=run_at))
    measures.count("jobs_postponed", job=claim.name, queue=claim.queue)
    return RunState.WAITING


def wait_again(claim: Claim, *, delay: float, outcome: Outcome, error: BaseException) -> RunState:
    """Have the run wait again for `delay` seconds, in the caller's transaction; raises LeaseLost as above.

    It ends here when somebody has revoked it meanwhile. Returns the state that it is left in.
    """
    if store.revoked_by(claim):
        return _cancel(claim, _described(error))
    run_at = store.put_back(claim, delay=delay, failed=outcome is Outcome.FAILED, error=_described(error))
    _record(claim, outcome, error)
    carry_after_commit(_carried(claim, run_at=run_at))
    measures.count(_COUNTED[outcome], job=claim.name, queue=claim.queue)
    log.warning(
        "job will be tried again",
        outcome=outcome.value,
        seconds=round(delay, 1),
        error=_described(error),
        exc_info=error if outcome is Outcome.FAILED and not isinstance(error, _FORESEEN) else None,
    )
    return RunState.WAITING


# What a job raises on purpose; the trace of anything else is worth a look before the run is dead.
_FORESEEN = (TemporaryFailure, RetryLater)

_COUNTED: dict[Outcome, measures.CounterName] = {
    Outcome.FAILED: "jobs_retried",
    Outcome.INTERRUPTED: "jobs_interrupted",
    Outcome.POSTPONED: "jobs_postponed",
}


def _record(claim: Claim, outcome: Outcome, error: BaseException) -> None:
    store.record_attempt(
        claim,
        outcome=outcome,
        error_type=type(error).__name__,
        error=_clean(str(error))[:4000],
        traceback=_clean("".join(traceback.format_exception(error)))[-16_000:],
    )


def _described(error: BaseException) -> str:
    return _clean(f"{type(error).__name__}: {error}")[:2000]


def _clean(text: str) -> str:
    """Return text that may be kept: without secrets, and without what the database cannot hold."""
    return made_keepable(hide(text))


def _carried(claim: Claim, *, run_at: Any = None) -> Carried:
    return Carried(
        id=claim.id,
        path=registry.path_of(claim.name),
        queue=claim.queue,
        lane=claim.lane,
        arguments=claim.arguments,
        run_at=run_at or clock.now(),
        time_limit=registry.time_limit_of(claim.name),
    )
