"""Running a run: take the row, do the work, close the row. What becomes of it when the work fails is in `settle`."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from traceback import format_exception
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import Flask, current_app, has_app_context
from sqlalchemy.orm import Session
from werkzeug.utils import import_string

from jobs.runtime import current, fence, handover, leases, plain, rate, registry, slots, store
from jobs.runtime.beside import companion
from jobs.runtime.carrier import run_id_of
from jobs.runtime.current import Claim, Done, Report
from jobs.runtime.models import Outcome, RunState
from jobs.runtime.policies import LeaseLost, SoftTimeLimit
from jobs.runtime.settle import end, persist, put_off, settle_failure, wait_again
from webapp.core import hidden, measures, tracing
from webapp.core.db import db, guard_commits, lay_idle, transaction
from webapp.core.failures import PermanentFailure
from webapp.core.logs import bind_job, get_logger, without_secrets
from webapp.core.settings import settings
from webapp.core.tracing import Kind

if TYPE_CHECKING:
    from jobs.runtime.declare import Job

log = get_logger(__name__)


class Dead(Exception):
    """The job has used up its tries, or can never succeed."""


def is_running() -> bool:
    """True inside a run."""
    return current.claim.get() is not None


def new_worker_name() -> str:
    """Return a name for a worker that no other ever had: it is part of the fence."""
    return f"{socket.gethostname()[:60]}.{os.getpid()}.{secrets.token_hex(4)}"


def run_carried(job: Job[..., Any], *, run_id: UUID, arguments: dict[str, Any]) -> Any:
    """Do what an RQ job stands for, in a worker that is not ours.

    A durable job is looked up by its id and run if its row is to be had; the others run from the RQ job alone. What
    comes of a durable run is in its row; RQ hears only of death, so that it too counts the job as failed.
    """
    with application().app_context():
        if not job.options.durable:
            return _run_for_others(job, run_id=run_id, arguments=arguments)
        if run(run_id) is RunState.DEAD:
            raise Dead(f"{job.name} is dead; its row says why")
        return None


def _run_for_others(job: Job[..., Any], *, run_id: UUID, arguments: dict[str, Any]) -> Any:
    """Run a job without a row for a worker that writes down every error as it comes: without a secret, then."""
    try:
        return run_transient(job, run_id=run_id, arguments=arguments)
    except Exception as error:
        trace = "".join(format_exception(error))
        if without_secrets(trace) == trace:
            raise
        raise Dead(without_secrets(trace)) from None


def run(run_id: UUID) -> RunState | None:
    """Take the run and do its work; return the state it is left in, None when it was not to be had.

    Needs an application context. Raises only KeyboardInterrupt, after the run was handed back.
    """
    claim = take(run_id, worker=new_worker_name())
    if claim is None:
        return None
    outcome = attempt(claim)
    return close(outcome) if isinstance(outcome, Done) else outcome


def take(run_id: UUID, *, worker: str) -> Claim | None:
    """Take the run for `worker`; None when it is not to be had. Needs an application context."""
    lease = settings().lease_seconds
    with transaction():
        return store.take(run_id, worker=worker, lease=lease) or slots.take(run_id, worker=worker, lease=lease)


def attempt(claim: Claim) -> Done | RunState | None:
    """Run the body of a claimed run.

    Return it as done when all that is left is to close its row, else the state that it is in; None when it is
    somebody else's by now. Needs an application context. Raises only KeyboardInterrupt, after the run was handed back.
    """
    hidden.begin()
    too_early_by = rate.admit(claim)
    if too_early_by is not None:
        return persist(partial(put_off, claim, delay=too_early_by, reason="waits for its rate limit"))
    labels = {"job": claim.name, "queue": claim.queue}
    measures.count("jobs_started", **labels)
    measures.observe("job_wait_seconds", (claim.started_at - claim.run_at).total_seconds(), **labels)
    began = time.monotonic()
    request_id, cause = tracing.origin(claim.trace)
    try:
        with (
            bind_job(run_id=claim.id, name=claim.name, attempt=claim.attempt, trace=request_id),
            _span(claim.name, claim.queue, run_id=claim.id, attempt=claim.attempt, cause=cause),
            _holding(claim),
        ):
            return _attempt(claim)
    finally:
        measures.observe("job_run_seconds", time.monotonic() - began, **labels)


def close(done: Done) -> RunState | None:
    """Close the row of a run that has succeeded, patient with the database; None when it is somebody else's by now."""
    closed = persist(partial(_close, done))
    if closed:
        count_success(done.claim)
    return closed


def count_success(claim: Claim) -> None:
    """Tell the log and the measures that a run is over and done."""
    measures.count("jobs_succeeded", job=claim.name, queue=claim.queue)
    log.info("job succeeded", job=claim.name, job_id=str(claim.id))


def run_transient(job: Job[..., Any], *, run_id: UUID | str, arguments: dict[str, Any]) -> Any:
    """Run a job that has no row, measured and within its soft limit; return and raise what it does."""
    hidden.begin()
    labels = {"job": job.name, "queue": job.route()[0]}
    measures.count("jobs_started", **labels)
    enqueued_at = _drawn_at(run_id)
    if enqueued_at is not None:
        measures.observe("job_wait_seconds", time.time() - enqueued_at, **labels)
    began = time.monotonic()
    try:
        with (
            bind_job(run_id=run_id, name=job.name, attempt=1),
            _span(job.name, labels["queue"], run_id=run_id, attempt=1),
            _soft_limit(job.options.soft_time_limit),
        ):
            loaded = job.load(arguments)
            with companion().attending(run_id, Report()), companion().interruptible(run_id):
                result = job.function(**loaded)
    except BaseException:
        measures.count("jobs_failed", **labels)
        raise
    finally:
        measures.observe("job_run_seconds", time.monotonic() - began, **labels)
    measures.count("jobs_succeeded", **labels)
    return result


def application() -> Flask:
    """Return the application of this process, making it on first use as FLASK_APP (or wsgi.py) says."""
    if has_app_context():
        return current_app._get_current_object()  # type: ignore[attr-defined, no-any-return]  # the proxy's own way
    loaded: Flask = import_string(os.environ.get("FLASK_APP", "wsgi:app"))
    return loaded


def _drawn_at(run_id: UUID | str) -> float | None:
    """Return when this id was drawn: a job without a row was enqueued then. None for one of RQ's own ids."""
    drawn = run_id_of(str(run_id))
    return (drawn.int >> 80) / 1000 if drawn and drawn.version == 7 else None


def _span(
    name: str, queue: str, *, run_id: UUID | str, attempt: int, cause: str = tracing.NOBODY
) -> AbstractContextManager[None]:
    return tracing.span(
        f"run {name}",
        kind=Kind.CONSUMER,
        parent=cause,
        attributes={
            "job.name": name,
            "job.id": str(run_id),
            "job.attempt": attempt,
            "messaging.destination.name": queue,
        },
    )


@contextmanager
def _holding(claim: Claim) -> Iterator[None]:
    keeper = leases.keeper(db.engine)
    keeper.hold(claim)
    token = current.claim.set(claim)
    try:
        with companion().attending(claim.id, claim.report):
            yield
    finally:
        current.claim.reset(token)
        keeper.release(claim)


def _attempt(claim: Claim) -> Done | RunState | None:
    log.info("job started")
    try:
        outcome = _run_body(claim)
        # Whatever follows from the end of a run is written together with it.
        return close(outcome) if isinstance(outcome, Done) and not claim.ends_alone else outcome
    except LeaseLost:
        db.session.rollback()
        log.warning("job was taken over by another worker")
        return None
    except KeyboardInterrupt:
        db.session.rollback()
        stopped = InterruptedError("stopped from the keyboard")
        persist(partial(wait_again, claim, delay=0, outcome=Outcome.INTERRUPTED, error=stopped))
        raise
    except BaseException as raised:  # noqa: BLE001  # whatever a job raises is its outcome, the soft limit included
        db.session.rollback()
        if lay_idle(raised):  # longer than a lease lasts, so this is as if the process had vanished: no failure
            log.warning("job was frozen in a transaction, or waits in one: its lease is left to run out")
            return None
        return persist(partial(settle_failure, claim, raised))


def _run_body(claim: Claim) -> Done | RunState:
    job = registry.find_job(claim.name)
    with _soft_limit(job.options.soft_time_limit):
        if not job.options.atomic:
            return Done(claim, _call(job, claim))
        with transaction():
            result = _call(job, claim)
            end(claim, state=RunState.SUCCEEDED, result=result)
    count_success(claim)
    return RunState.SUCCEEDED


def _call(job: Job[..., Any], claim: Claim) -> dict[str, Any] | None:
    """Call the function, which may be revoked until it returns; return what is to be kept of its result."""
    arguments = _arguments(job, claim)
    with companion().interruptible(claim.id):
        result = job.function(**arguments)
    return _storable(result)


def _arguments(job: Job[..., Any], claim: Claim) -> dict[str, Any]:
    """Return the function's arguments; raises Revoked when the canvas that the run is part of has stopped."""
    if claim.canvas_id is None:
        return job.load(claim.arguments)
    taken = handover.taken_arguments(claim)
    try:
        return job.load(claim.arguments | taken)
    except ValueError as error:
        raise PermanentFailure(f"{job.name} cannot take what the steps before it returned: {error}") from error


def _close(done: Done) -> RunState:
    end(done.claim, state=RunState.SUCCEEDED, result=done.result, quick=True)
    return RunState.SUCCEEDED


def _storable(result: Any) -> dict[str, Any] | None:
    """Return what is kept of a job's result; raises TypeError or ValueError when it is nothing for JSON."""
    if result is None:
        return None
    try:
        plain.dump(result)
    except ValueError as error:
        raise ValueError(f"the job's result cannot be kept: {error}") from None
    return current.wrap(hidden.hide_in(result))


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
        fence.assert_held(claim, on=session)


guard_commits(_fence)
