"""The parent: forks children, ends those that go too far, replaces those that are gone, and stops them all in order.

It has loaded the whole application, so that its children share that memory, but it talks to nobody: no connection, no
thread, nothing that a fork could tear in two or that could keep it from ending a child in time.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from flask import Flask
from sqlalchemy.orm import configure_mappers

from jobs.runtime.execute import new_worker_name
from jobs.runtime.prefork import system, undertaker
from jobs.runtime.prefork.board import Board, Place, Sight
from jobs.runtime.prefork.child import Child, Orders
from jobs.runtime.prefork.forking import STOP_SIGNALS, forget_connections, fork
from jobs.runtime.prefork.undertaker import Cause, Estate
from webapp.core.db import db
from webapp.core.logs import get_logger
from webapp.core.settings import Settings

TICK_SECONDS = 0.25
MEMORY_SECONDS = 1.0
# A child that dies younger than this without having ended a job has crashed at its start.
YOUNG_SECONDS = 10.0
LONGEST_PAUSE_SECONDS = 30.0
# How long to wait for a system that has no room for another process.
FORK_SECONDS = 1.0
# After the last child is gone, for what it has left to be settled; Heroku leaves 30 s for everything.
BURIAL_SECONDS = 6.0
# How long the work beside the children is left alone when it has ended.
BESIDE_SECONDS = 10.0

# What a child is ended for that is about the very job it is at.
WRONGS: dict[Cause, Callable[[Sight], bool]] = {
    Cause.TIME: lambda sight: sight.is_over_limit,
    Cause.REVOKED: lambda sight: sight.is_ignoring_revocation,
}

log = get_logger(__name__)


class Beside(Protocol):
    """Work that goes on beside that of the children."""

    def __call__(self, *, is_wanted: Callable[[], bool]) -> None:
        """Do it until it is wanted no more."""


@dataclass
class Seat:
    """Where one child after the other sits; `pid` is 0 while it is empty, `start_at` when the next one may come.

    `doom` is why the child was killed, `retiring` says that it was asked to leave, `is_done` that none is to follow.
    """

    place: Place
    worker: str = ""
    pid: int = 0
    born_at: float = 0.0
    start_at: float = 0.0
    crashes: int = 0
    doom: Cause | None = None
    retiring: bool = False
    is_done: bool = False


class Supervisor:
    """Runs `processes` children on `queues` (RQ's names) until a signal stops it, or in a burst until all is done.

    `beside` is done in one more process until then, for as long as what it is given says that it is wanted.
    """

    def __init__(
        self,
        app: Flask,
        settings: Settings,
        *,
        queues: tuple[str, ...],
        processes: int,
        burst: bool,
        beside: Beside | None = None,
    ) -> None:
        self._app = app
        self._settings = settings
        self._queues = queues
        self._burst = burst
        self._seats = [Seat(place) for place in Board(processes).places]
        self._beside = beside
        self._beside_pid = 0
        self._beside_at = 0.0
        self._undertakers: set[int] = set()
        self._stopping = False
        self._deadline = 0.0
        self._weigh_at = 0.0
        self._alarm, self._ring = os.pipe()

    def run(self) -> None:
        """Work until it is over."""
        self._prepare()
        self._fill_seats()
        while not self._is_over():
            self._sleep()
            self._reap()
            self._enforce()
            self._fill_seats()
        _kill(self._beside_pid, signal.SIGKILL)
        log.info("the worker has stopped")

    def _prepare(self) -> None:
        """Make ready to fork: signals wake us up, everything is loaded, and nothing is open."""
        for end in (self._alarm, self._ring):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(self._ring, warn_on_full_buffer=False)
        for number in STOP_SIGNALS:
            signal.signal(number, lambda *_: self._stop())
        signal.signal(signal.SIGCHLD, lambda *_: None)  # it only has to wake us up
        configure_mappers()
        with self._app.app_context():
            db.engine.dispose()
        forget_connections()
        gc.collect()
        gc.freeze()
        log.info("the worker has started", processes=len(self._seats), queues=",".join(self._queues))

    def _is_over(self) -> bool:
        if any(seat.pid for seat in self._seats):
            return False
        if self._undertakers:
            return self._stopping and time.monotonic() > self._deadline + BURIAL_SECONDS
        return self._stopping or all(seat.is_done for seat in self._seats)

    def _stop(self) -> None:
        """Begin the end, once: children finish what they are at, and get the grace period for it."""
        if not self._stopping:
            self._stopping = True
            self._deadline = time.monotonic() + self._settings.worker_grace_seconds

    def _fill_seats(self) -> None:
        """Put a child into each empty seat whose time has come."""
        for seat in self._seats:
            if not (seat.pid or seat.is_done or self._stopping) and time.monotonic() >= seat.start_at:
                self._fill(seat)
        if self._beside and not (self._beside_pid or self._stopping) and time.monotonic() >= self._beside_at:
            self._beside_at = time.monotonic() + BESIDE_SECONDS
            self._beside_pid = fork(partial(self._beside, is_wanted=partial(_is_child_of, os.getpid())))

    def _fill(self, seat: Seat) -> None:
        seat.place.clear()
        seat.worker = new_worker_name()
        seat.born_at, seat.doom, seat.retiring = time.monotonic(), None, False
        orders = Orders(
            name=seat.worker,
            queues=self._queues,
            burst=self._burst,
            max_jobs=self._settings.worker_max_jobs,
            parent=os.getpid(),
        )
        seat.pid = fork(lambda: Child(self._app, seat.place, orders).work())
        if not seat.pid:
            seat.start_at = time.monotonic() + FORK_SECONDS

    def _sleep(self) -> None:
        select.select([self._alarm], [], [], TICK_SECONDS)
        with suppress(BlockingIOError):
            os.read(self._alarm, 4096)

    def _reap(self) -> None:
        if self._beside_pid and _exit_status(self._beside_pid) is not None:
            self._beside_pid = 0
        self._undertakers = {pid for pid in self._undertakers if _exit_status(pid) is None}
        for seat in self._seats:
            status = _exit_status(seat.pid) if seat.pid else None
            if status is not None:
                self._bury(seat, status)

    def _bury(self, seat: Seat, status: int) -> None:
        """Have what a dead child left settled, and see when the next one may come."""
        sight = seat.place.see()
        seat.pid = 0
        if status == 0:
            seat.crashes = 0
            seat.is_done = self._burst and sight.jobs < self._settings.worker_max_jobs
            return
        cause = seat.doom or Cause.CRASHED
        if cause in WRONGS and not WRONGS[cause](sight):
            cause = Cause.CRASHED  # it went on to another job in the last moment
        young = time.monotonic() < seat.born_at + YOUNG_SECONDS and not sight.jobs
        seat.crashes = seat.crashes + 1 if cause is Cause.CRASHED and young else 0
        pause = min(2.0 ** (seat.crashes - 1), LONGEST_PAUSE_SECONDS) if seat.crashes else 0.0
        seat.start_at = time.monotonic() + pause
        log.error("a worker process has died", worker=seat.worker, status=status, cause=cause.value, pause=pause)
        estate = Estate(worker=seat.worker, queues=self._queues, cause=cause, sight=sight)
        self._undertakers |= {fork(lambda: self._settle(estate))} - {0}

    def _settle(self, estate: Estate) -> None:
        with self._app.app_context():
            undertaker.settle(estate)

    def _enforce(self) -> None:
        """End children that are over their time, over their memory, or over the grace period."""
        for seat in self._seats:
            if not seat.pid:
                continue
            if self._stopping:
                self._retire(seat)
            wrong = _wrong_of(seat.place.see())
            if wrong is not None:
                self._end(seat, wrong)
            elif self._stopping and time.monotonic() > self._deadline:
                self._end(seat, Cause.STOPPED)
        if time.monotonic() >= self._weigh_at:
            self._weigh_at = time.monotonic() + MEMORY_SECONDS
            self._weigh()

    def _weigh(self) -> None:
        for seat in self._seats:
            megabytes = system.own_megabytes(seat.pid) if seat.pid else 0.0
            if megabytes > self._settings.worker_hard_memory_mb:
                log.error("a worker process takes too much memory", worker=seat.worker, megabytes=round(megabytes))
                self._end(seat, Cause.MEMORY)
            elif megabytes > self._settings.worker_max_memory_mb and not seat.retiring:
                log.info("a worker process has grown and is replaced", worker=seat.worker, megabytes=round(megabytes))
                self._retire(seat)
        if self._beside_pid and system.own_megabytes(self._beside_pid) > self._settings.worker_hard_memory_mb:
            log.error("the process beside the workers takes too much memory", process=self._beside_pid)
            _kill(self._beside_pid, signal.SIGKILL)

    @staticmethod
    def _retire(seat: Seat) -> None:
        """Have the child leave when it has finished what it is at."""
        if not seat.retiring:
            seat.retiring = True
            _kill(seat.pid, signal.SIGTERM)

    @staticmethod
    def _end(seat: Seat, cause: Cause) -> None:
        if seat.doom is None:
            seat.doom = cause
            _kill(seat.pid, signal.SIGKILL)


def _wrong_of(sight: Sight) -> Cause | None:
    return next((cause for cause, is_so in WRONGS.items() if is_so(sight)), None)


def _is_child_of(parent: int) -> bool:
    return os.getppid() == parent


def _kill(pid: int, number: signal.Signals) -> None:
    if pid:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _exit_status(pid: int) -> int | None:
    """Return how the process ended, None while it has not."""
    ended, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None
