"""What a run does to the outside world: asking before the step that nobody can undo, and writing down after it."""

from __future__ import annotations

from collections.abc import Callable

import backoff
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from jobs.runtime import current, fence
from webapp.core.db import transaction
from webapp.core.logs import get_logger

PAUSE_SECONDS = 0.25

log = get_logger(__name__)


def confirm_held() -> None:
    """Raise LeaseLost when the run at hand was taken over; nothing happens outside of a run.

    For just before a step that cannot be undone: the process may have been frozen for long since it last asked.
    """
    claim = current.claim.get()
    if claim is not None:
        fence.confirm_held(claim)


def record_fact(write: Callable[[], None]) -> None:
    """Commit what `write` notes of something that has happened, however long the database is away.

    It has happened whoever holds the run by now, so this commit alone is not refused to a run that was taken over:
    the new owner should know of it before it does the same again. The job's time limit ends the patience. Raises
    RuntimeError inside a `transaction()`.
    """
    claim = current.claim.set(None)
    try:
        _patiently(write)
    finally:
        current.claim.reset(claim)


@backoff.on_exception(
    backoff.constant,
    (OperationalError, InterfaceError, PoolTimeout),
    interval=PAUSE_SECONDS,
    jitter=None,
    logger=None,
    on_backoff=lambda details: log.warning("the database is away: a fact waits to be recorded", tries=details["tries"]),
)
def _patiently(write: Callable[[], None]) -> None:
    with transaction():
        write()
