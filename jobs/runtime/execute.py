"""Running a run: take the row, do the work, close the row; and what becomes of it when the work fails."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

import backoff
from flask import Flask, current_app, has_app_context
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session
from werkzeug.utils import import_string

from jobs.runtime import current, leases, registry, store
from jobs.runtime.carrier import Carried
from jobs.runtime.current import Claim
from jobs.runtime.deliver import bury_after_commit, carry_after_commit
from jobs.runtime.models import Outcome, RunState
from jobs.runtime.policies import LeaseLost, Postponed, RetryLater, SoftTimeLimit
from webapp.core import clock, measures
from webapp.core.db import db, guard_commits, transaction
from webapp.core.failures import PermanentFailure, TemporaryFailure
from webapp.core.logs import bind_job, get_logger
from webapp.core.settings import settings

if TYPE_CHECKING:
    from jobs.runtime.declare import Job

T = TypeVar("T")

UNKNOWN_JOB_SECONDS = 30.0
DATABASE_AWAY_SECONDS = 5.0
# What is raised when the database goes away under us; OperationalError also covers deadlocks and lock time-outs.
_AWAY = (OperationalError, InterfaceError, PoolTimeout)

log = get_logger(__name__)


class Dead(Exception):
    """The job has used up its tries, or can never succeed."""


def is_running() -> bool:
    """True inside a run."""
    return current.claim.get() is not None


def worker_name() -> str:
    """Return the name of this process as runs record it."""
    return f"{socket.gethostname()}:{os.getpid()}"


def run_carried(job: Job[..., Any], *, run_id: UUID, arguments: dict[str, Any]) -> Any:
    """Do what an RQ job stands for, whatever worker has fetched it.

    A durable job is looked up by its id and run if its row is to be had; the others run from the RQ job alone. What
    comes of a durable run is in its row; RQ hears only of death, so that it too counts the job as failed.
    """
    with application().app_context():
        if not job.options.durable:
            return job.function(**job.load(arguments))
        if run(run_id) is RunState.DEAD:
            raise Dead(f"{job.name} is dead; its row says why")
        return None


def run(run_id: UUID, *, worker: str | None = None) -> RunState | None:
    """Take the run and do its work; return the state it is left in, None when it was not to be had.

    Needs an application context. Raises only what ends the process (KeyboardInterrupt, SystemExit), after the run
    was handed back.
    """
    claim = _take(run_id, worker=worker or worker_name())
    if claim is None:
        return None
    waited = (claim.started_at - claim.run_at).total_seconds()
    measures.count("jobs_started", job=claim.name, queue=claim.queue)
    measures.observe("job_wait_seconds", waited, job=claim.name, queue=claim.queue)
    began = time.monotonic()
    try:
        with bind_job(run_id=claim.id, name=claim.name, attempt=claim.attempt, trace=claim.trace), _holding(claim):
            return _attempt(claim)
    finally:
        measures.observe("job_run_seconds", time.monotonic() - began, job=claim.name, queue=claim.queue)


def application() -> Flask:
    """Return the application of this process, making it on first use as FLASK_APP (or wsgi.py) says."""
    if has_app_context():
        return current_app._get_current_object()  # type: ignore[attr-defined, no-any-return]  # the proxy's own way
    loaded: Flask = import_string(os.environ.get("FLASK_APP", "wsgi:app"))
    return loaded


def _take(run_id: UUID, *, worker: str) -> Claim | None:
    with transaction():
        return store.take(run_id, worker=worker, lease=settings().lease_seconds)


@contextmanager
def _holding(claim: Claim) -> Iterator[None]:
    keeper = leases.keeper(db.engine)
    keeper.hold(claim)
    token = current.claim.set(claim)
    try:
        yield
    finally:
        current.claim.reset(token)
        keeper.release(claim)


def _attempt(claim: Claim) -> RunState | None:
    """Run the body and close the run by how it went; None when the run is somebody else's by now."""
    log.info("job started")
    try:
        job = registry.find_job(claim.name)
        with _soft_limit(job.options.soft_time_limit):
            if job.options.atomic:
                _run_atomic(job, claim)
            else:
                result = job.function(**job.load(claim.arguments))
                _persist(lambda: store.close(claim, state=RunState.SUCCEEDED, result=_storable(result)))
    except LeaseLost:
        db.session.rollback()
        log.warning("job was taken over by another worker")
        return None
    except (KeyboardInterrupt, SystemExit):
        db.session.rollback()
        stopped = InterruptedError("the worker stops")
        _persist(lambda: _wait_again(claim, delay=0, outcome=Outcome.INTERRUPTED, error=stopped))
        raise
    except BaseException as raised:  # noqa: BLE001  # whatever a job raises is its outcome, the soft limit included
        db.session.rollback()
        return _persist(partial(_settle_failure, claim, raised))
    measures.count("jobs_succeeded", job=claim.name, queue=claim.queue)
    log.info("job succeeded")
    return RunState.SUCCEEDED


def _run_atomic(job: Job[..., Any], claim: Claim) -> None:
    with transaction():
        result = job.function(**job.load(claim.arguments))
        store.close(claim, state=RunState.SUCCEEDED, result=_storable(result))


def _storable(result: Any) -> Any:
    return result if result is None or isinstance(result, dict) else {"value": result}


def _persist(write: Callable[[], T]) -> T | None:
    """Write the outcome in a transaction of its own, patient with a database that is away for less than a lease."""
    patient = backoff.on_exception(
        backoff.constant, _AWAY, interval=0.5, jitter=None, max_time=settings().lease_seconds, logger=None
    )

    def attempt() -> T:
        with transaction():
            return write()

    try:
        return patient(attempt)()
    except LeaseLost:
        log.warning("job was taken over by another worker before it could be closed")
    except _AWAY:
        log.warning("the database stays away: the run goes elsewhere when its lease ends")
    return None


def _settle_failure(claim: Claim, error: BaseException) -> RunState:
    if isinstance(error, PermanentFailure):
        return _die(claim, error)
    if isinstance(error, Postponed | registry.UnknownJob) or _database_is_away(error):
        return _wait_again(claim, delay=_postponed_for(error), outcome=Outcome.POSTPONED, error=error)
    delay = _retry_delay(claim, error)
    if delay is None:
        return _die(claim, error)
    measures.count("jobs_failed", job=claim.name, queue=claim.queue)
    return _wait_again(claim, delay=delay, outcome=Outcome.FAILED, error=error)


def _postponed_for(error: BaseException) -> float:
    match error:
        case Postponed():
            return error.seconds
        case registry.UnknownJob():  # a newer release has enqueued it, and its workers are about to start
            return UNKNOWN_JOB_SECONDS
    return DATABASE_AWAY_SECONDS


def _database_is_away(error: BaseException) -> bool:
    if isinstance(error, DBAPIError):
        state = getattr(error.orig, "sqlstate", None)
        return error.connection_invalidated or (isinstance(error, _AWAY) and (state is None or state.startswith("57P")))
    return isinstance(error, PoolTimeout)


def _retry_delay(claim: Claim, error: BaseException) -> float | None:
    """Return the seconds until the next try; None when there is none left."""
    delay = registry.find_job(claim.name).options.retry.delay_after(claim.failures + 1)
    if delay is None:
        return None
    if isinstance(error, RetryLater):
        return error.seconds
    if isinstance(error, TemporaryFailure) and error.retry_after is not None:
        return max(delay, error.retry_after)
    return delay


def _die(claim: Claim, error: BaseException) -> RunState:
    store.close(claim, state=RunState.DEAD, error=_described(error))
    _record(claim, Outcome.FAILED, error)
    bury_after_commit(_carried(claim))
    measures.count("jobs_failed", job=claim.name, queue=claim.queue)
    measures.count("jobs_dead", job=claim.name, queue=claim.queue)
    log.error("job is dead", error=_described(error), exc_info=error)
    return RunState.DEAD


def _wait_again(claim: Claim, *, delay: float, outcome: Outcome, error: BaseException) -> RunState:
    run_at = store.put_back(claim, delay=delay, failed=outcome is Outcome.FAILED, error=_described(error))
    _record(claim, outcome, error)
    carry_after_commit(_carried(claim, run_at=run_at))
    measures.count(_COUNTED[outcome], job=claim.name, queue=claim.queue)
    log.warning("job will be tried again", outcome=outcome.value, seconds=round(delay, 1), error=_described(error))
    return RunState.WAITING


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
        error=str(error).replace("\0", "")[:4000],
        traceback="".join(traceback.format_exception(error)).replace("\0", "")[-16_000:],
    )


def _described(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".replace("\0", "")[:2000]


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


@contextmanager
def _soft_limit(seconds: int) -> Iterator[None]:
    """Raise SoftTimeLimit in the block after `seconds`; only where signals reach, in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def expire(_signal: int, _frame: object) -> None:
        raise SoftTimeLimit(f"the soft time limit of {seconds} s is used up")

    before = signal.signal(signal.SIGALRM, expire)
    outer, _interval = signal.setitimer(signal.ITIMER_REAL, seconds)
    began = time.monotonic()
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if outer:  # RQ's own limit, which was ticking before ours
            signal.setitimer(signal.ITIMER_REAL, max(outer - (time.monotonic() - began), 0.001))


def _fence(session: Session) -> None:
    """Refuse the commit of a run that has lost its lease."""
    claim = current.claim.get()
    if claim is not None:
        store.assert_held(claim, on=session)


guard_commits(_fence)
