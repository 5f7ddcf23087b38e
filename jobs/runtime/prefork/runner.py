"""Runs what a child has taken: jobs with a row, jobs without one, and RQ jobs that are none of ours."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

import psycopg
from flask import Flask

from jobs.runtime import execute, registry
from jobs.runtime.carrier import run_id_of
from jobs.runtime.current import Claim, Done
from jobs.runtime.declare import Job
from jobs.runtime.ledger import Ledger
from jobs.runtime.models import RunState
from jobs.runtime.prefork.board import Kind, Place
from jobs.runtime.prefork.exchange import Order, unpack
from jobs.runtime.prefork.hand import Hand
from jobs.runtime.settle import AWAY
from webapp.core.logs import get_logger

log = get_logger(__name__)


class Books(Protocol):
    """How RQ's own part of the worker deals with what has no row of ours."""

    def perform_foreign(self, order: Order) -> bool:
        """Run an RQ job that is none of ours; False when it failed."""

    def record_failure(self, order: Order, error: BaseException) -> None:
        """Put a job among the failed ones."""


class DatabaseAway(Exception):
    """PostgreSQL does not answer, so that no run can be taken."""


class Runner:
    """Runs one order after the other.

    The row of a run that has succeeded is closed together with the taking of the next one, or by `settle`.
    `books` deals with what has no row.
    """

    def __init__(self, app: Flask, *, ledger: Ledger, place: Place, hand: Hand, books: Books) -> None:
        self._app = app
        self._ledger = ledger
        self._place = place
        self._hand = hand
        self._books = books
        self._done: Done | None = None

    def run(self, order: Order) -> bool:
        """Run what was ordered; False when it failed for good. Raises DatabaseAway before anything was begun."""
        job = registry.resolve(order.path)
        if job is not None and not job.options.durable:
            return self._run_transient(job, order)
        run_id = run_id_of(order.id)
        claim = self._take(run_id) if run_id else None
        if claim is None and run_id and job is not None:
            claim = self._take_patiently(run_id)
        if claim is not None:
            return self._run_claim(claim, order)
        return job is not None or self._run_foreign(order)

    def settle(self) -> None:
        """Close the row of the last run, if that is still to be done."""
        done, self._done = self._done, None
        if done is None:
            return
        try:
            closed = self._ledger.close(done)
        except psycopg.Error:
            self._close_patiently(done)
        else:
            _report(done, closed=closed)

    def _run_claim(self, claim: Claim, order: Order) -> bool:
        self._begin(Kind.DURABLE, order, limit=registry.time_limit_of(claim.name))
        try:
            with self._app.app_context():
                outcome = execute.attempt(claim)
        finally:
            self._place.end()
        if isinstance(outcome, Done):
            self._done = outcome
        return outcome is not RunState.DEAD

    def _run_transient(self, job: Job[..., object], order: Order) -> bool:
        self.settle()
        self._begin(Kind.TRANSIENT, order, limit=job.options.time_limit)
        try:
            with self._app.app_context():
                execute.run_transient(job, run_id=order.id, arguments=unpack(order.data))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # whatever a job raises is its outcome, the soft limit included
            log.error("job failed and has no row to be tried again from", job=job.name, job_id=order.id, exc_info=error)
            self._books.record_failure(order, error)
            return False
        finally:
            self._place.end()
        return True

    def _run_foreign(self, order: Order) -> bool:
        self.settle()
        self._begin(Kind.TRANSIENT, order, limit=registry.TIME_LIMIT)
        try:
            return self._books.perform_foreign(order)
        finally:
            self._place.end()

    def _begin(self, kind: Kind, order: Order, *, limit: float) -> None:
        self._place.begin(kind, order.execution, limit=limit, waiting=len(self._hand.waiting))

    def _take(self, run_id: UUID) -> Claim | None:
        done, self._done = self._done, None
        try:
            if done is None:
                return self._ledger.take(run_id)
            if done.claim.id != run_id:
                closed, claim = self._ledger.exchange(done, run_id)
                _report(done, closed=closed)
                return claim
        except psycopg.Error as error:
            if done is None and isinstance(error, psycopg.DataError):
                raise  # nobody can read this row: it ends the process, as which it is handed back, three times at most
            if done is None:
                raise DatabaseAway(str(error).strip()) from error
        self._close_patiently(done)
        return self._take(run_id)

    def _take_patiently(self, run_id: UUID) -> Claim | None:
        """Take a run that the ledger did not give: one that needs a slot is not for it to decide."""
        with self._app.app_context():
            try:
                return execute.take(run_id, worker=self._ledger.worker)
            except AWAY as error:
                raise DatabaseAway(str(error).strip()) from error

    def _close_patiently(self, done: Done) -> None:
        with self._app.app_context():
            execute.close(done)


def _report(done: Done, *, closed: bool) -> None:
    if closed:
        execute.count_success(done.claim)
    else:
        log.warning("job was taken over by another worker before it could be closed", job_id=str(done.claim.id))
