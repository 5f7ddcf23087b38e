"""Beside each run, from a thread of its own: shows how far the run says it is, and stops it when it is revoked."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Lock, Thread
from types import FrameType
from typing import Any, TypeAlias, cast
from uuid import UUID

from redis import RedisError

from jobs.runtime import carrier, current
from jobs.runtime.current import Report
from jobs.runtime.policies import Revoked
from webapp.core.hidden import hide
from webapp.core.logs import get_logger
from webapp.core.redis import jobs_redis

# So often progress is shown, and so long it takes at most until a run hears that it is revoked.
TICK_SECONDS = 0.4
# Progress that has not changed is shown again before Redis forgets it.
REPEAT_SECONDS = carrier.PROGRESS_SECONDS / 3
SIGNAL = signal.SIGUSR1

# RQ's jobs may have other ids than ours.
RunId: TypeAlias = "UUID | str"

log = get_logger(__name__)


def progress(done: int, total: int, note: str = "") -> None:
    """State that `done` of `total` is done; may be called for every row, it is shown twice a second at most.

    What was stated last is kept with the run. Outside of a run that has a row, nothing happens.
    """
    claim = current.claim.get()
    if claim is not None:
        claim.report.latest = (int(done), int(total), hide(note))


class Companion:
    """Looks after the runs of this process, a few times a second and with one round trip to Redis each time.

    `on_revoked` is called with the id of a run that is to stop, with every look until it has.
    """

    def __init__(self) -> None:
        self.on_revoked: Callable[[RunId], None] | None = None
        self._held: dict[RunId, Report] = {}
        self._revoked: set[RunId] = set()
        self._interruptible: RunId | None = None
        self._lock = Lock()
        self._thread: Thread | None = None

    @contextmanager
    def attending(self, run_id: RunId, report: Report) -> Iterator[None]:
        """Look after the run within the block."""
        with self._lock:
            self._held[run_id] = report
            if self._thread is None:
                self._thread = Thread(target=self._look_on, name="companion", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                del self._held[run_id]
                self._revoked.discard(run_id)

    @contextmanager
    def interruptible(self, run_id: RunId) -> Iterator[None]:
        """Have Revoked raised in the block when the run is revoked; only where signals reach, in the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        if signal.getsignal(SIGNAL) is not _interrupt:
            signal.signal(SIGNAL, _interrupt)
        self._interruptible = run_id
        try:
            yield
        finally:
            self._interruptible = None

    def revoke(self, run_id: RunId) -> None:
        """Stop the run, if it is still one of this process: may be called again and again."""
        with self._lock:
            if run_id not in self._held:
                return
            self._revoked.add(run_id)
        if self.on_revoked is not None:
            self.on_revoked(run_id)
        if self._interruptible == run_id:
            signal.pthread_kill(cast("int", threading.main_thread().ident), SIGNAL)

    def raise_if_revoked(self) -> None:
        """Raise Revoked when the run that may be interrupted is to stop; once, the rest is up to the parent."""
        if self._interruptible in self._revoked:
            self._interruptible = None
            raise Revoked("revoked while it was running")

    def _look_on(self) -> None:
        pause = Event()
        while True:
            pause.wait(TICK_SECONDS)
            with self._lock:
                held = dict(self._held)
            if held:
                try:
                    self._look(held)
                except RedisError as error:
                    log.debug("Redis is away: progress is not shown", error=str(error))

    def _look(self, held: dict[RunId, Report]) -> None:
        now = time.monotonic()
        with jobs_redis().pipeline(transaction=False) as pipeline:
            carrier.ask_revoked(pipeline, held)
            for run_id, report in held.items():
                latest, kept = report.latest, report.kept()
                if kept and (latest != report.published or now >= report.published_at + REPEAT_SECONDS):
                    carrier.show_progress(pipeline, run_id, kept)
                    report.published, report.published_at = latest, now
            answers: list[Any] = pipeline.execute()
        for run_id, is_revoked in zip(held, answers[0], strict=True):
            if is_revoked:
                self.revoke(run_id)


_companion = Companion()


def companion() -> Companion:
    """Return this process's companion."""
    return _companion


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    _companion.raise_if_revoked()


def _start_anew() -> None:
    """A forked child has none of its parent's threads."""
    global _companion  # noqa: PLW0603  # one per process is the point
    _companion = Companion()


os.register_at_fork(after_in_child=_start_anew)
