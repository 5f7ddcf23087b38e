"""The thread beside a child's work: says that the child is alive, and hands back what a long job would keep waiting."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from threading import Event, Lock, Thread

from redis import RedisError

from jobs.runtime.prefork.hand import Hand
from jobs.runtime.prefork.worker import HEARTBEAT_SECONDS, PreforkWorker
from webapp.core.logs import get_logger

STALL_SECONDS = 0.1
POLL_SECONDS = 0.05
PARENT_SECONDS = 1.0

log = get_logger(__name__)


class Pulse:
    """Beats for `worker` until its process ends; `hand_back` gives up what `hand` holds beside the job at hand."""

    def __init__(self, worker: PreforkWorker, hand: Hand, *, parent: int, hand_back: Callable[[], None]) -> None:
        self._worker = worker
        self._hand = hand
        self._parent = parent
        self._hand_back = hand_back
        self._pause = Event()
        self._beating = Lock()
        self._is_over = False

    def start(self) -> None:
        """Start beating."""
        Thread(target=self._run, name="pulse", daemon=True).start()

    def stop(self) -> None:
        """Say no more: the worker takes leave, and a late heartbeat would bring it back to life."""
        with self._beating:
            self._is_over = True

    def _run(self) -> None:
        beat_at = 0.0
        while True:
            if time.monotonic() >= beat_at:
                beat_at = time.monotonic() + HEARTBEAT_SECONDS
                self._quietly(self._beat)
            if self._hand.full.is_set():
                self._relieve()
                self._pause.wait(POLL_SECONDS)
            else:
                self._hand.full.wait(self._until(beat_at))
            self._mind_the_parent()

    def _until(self, beat_at: float) -> float:
        """Return for how long there is nothing to do. Linux itself ends a child with its parent, others do not."""
        rest = max(beat_at - time.monotonic(), 0.0)
        return rest if sys.platform == "linux" else min(rest, PARENT_SECONDS)

    def _beat(self) -> None:
        with self._beating:
            order = self._hand.current
            if not self._is_over:
                self._worker.beat(state="busy" if order else "idle", order=order)

    def _relieve(self) -> None:
        """Hand back the waiting jobs when the one at hand takes long, or when the child is to stop."""
        if not self._hand.waiting:
            self._hand.full.clear()
        elif self._hand.stopping or time.monotonic() > self._hand.since + STALL_SECONDS:
            self._quietly(self._hand_back)

    def _mind_the_parent(self) -> None:
        if os.getppid() != self._parent:
            os._exit(1)

    @staticmethod
    def _quietly(step: Callable[[], None]) -> None:
        try:
            step()
        except RedisError as error:
            log.warning("Redis is away", error=str(error))
