"""Keeps the leases of this process's runs alive, from a thread beside the job."""

from __future__ import annotations

import os
from threading import Event, Lock, Thread
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from jobs.runtime import store
from jobs.runtime.beside import companion
from jobs.runtime.current import Claim
from webapp.core.logs import get_logger
from webapp.core.settings import settings

log = get_logger(__name__)


class LeaseKeeper:
    """Renews the leases it is given three times within their length, so that one lost renewal costs nothing.

    It only ever extends what is still held: a run that was taken over in the meantime stays with its new owner.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._held: dict[UUID, Claim] = {}
        self._lock = Lock()
        self._thread: Thread | None = None

    def hold(self, claim: Claim) -> None:
        """Renew the lease of `claim` until `release`."""
        with self._lock:
            self._held[claim.id] = claim
            if self._thread is None:
                self._thread = Thread(target=self._renew_on, name="leases", daemon=True)
                self._thread.start()

    def release(self, claim: Claim) -> None:
        """Let go of `claim`."""
        with self._lock:
            self._held.pop(claim.id, None)

    def _renew_on(self) -> None:
        lease, pause = settings().lease_seconds, Event()
        while True:
            pause.wait(lease / 3)
            with self._lock:
                held = list(self._held.values())
            if held:
                self._renew(held, lease)

    def _renew(self, held: list[Claim], lease: float) -> None:
        try:
            with Session(self._engine) as session, session.begin():
                revoked = store.renew(held, lease=lease, on=session)
            for run_id in revoked:  # they will have heard by way of Redis, unless that is away
                companion().revoke(run_id)
        except SQLAlchemyError as error:  # tried again in a moment; the fence decides should it take too long
            log.warning("leases could not be renewed", error=str(error.__cause__ or error))


_keeper: LeaseKeeper | None = None


def keeper(engine: Engine) -> LeaseKeeper:
    """Return this process's keeper."""
    global _keeper  # noqa: PLW0603  # one thread per process is the point
    if _keeper is None:
        _keeper = LeaseKeeper(engine)
    return _keeper


def _start_anew() -> None:
    """A forked child has none of its parent's threads."""
    global _keeper  # noqa: PLW0603  # as above
    _keeper = None


os.register_at_fork(after_in_child=_start_anew)
