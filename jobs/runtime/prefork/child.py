"""A child: takes jobs, runs them, tells what came of them, until it is told to stop or has done its share."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from types import FrameType

from flask import Flask
from redis import RedisError

from jobs.runtime.beside import RunId, companion
from jobs.runtime.carrier import BELLS
from jobs.runtime.ledger import Ledger
from jobs.runtime.prefork.board import CAPACITY, Place
from jobs.runtime.prefork.exchange import Exchange, Order
from jobs.runtime.prefork.forking import STOP_SIGNALS
from jobs.runtime.prefork.hand import Hand, drain
from jobs.runtime.prefork.pulse import Pulse
from jobs.runtime.prefork.runner import DatabaseAway, Runner
from jobs.runtime.prefork.worker import PreforkWorker
from webapp.core import measures
from webapp.core.db import db
from webapp.core.logs import get_logger
from webapp.core.redis import connect
from webapp.core.settings import settings

REDIS_SECONDS = 5.0
BELL_SECONDS = 1
AWAY_SECONDS = 1.0
# A child takes as many jobs at once as it is likely to do in this time.
SHARE_SECONDS = 0.03

log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Orders:
    """What a child is told by its parent: `queues` are RQ's names, `burst` to end when they are empty."""

    name: str
    queues: Sequence[str]
    burst: bool
    max_jobs: int
    parent: int


class _Woken(Exception):
    """A signal came while there was nothing to do."""


class Child:
    """One child, in a process of its own."""

    def __init__(self, app: Flask, place: Place, orders: Orders) -> None:
        self._orders = orders
        self._place = place
        redis = connect(settings().redis_url, timeout=REDIS_SECONDS)
        self._bell = connect(settings().redis_url, timeout=BELL_SECONDS + REDIS_SECONDS)
        self._worker = PreforkWorker(orders.queues, name=orders.name, redis=redis)
        self._exchange = Exchange(redis, worker=orders.name, names=orders.queues)
        self._hand = Hand()
        with app.app_context():
            self._ledger = Ledger(db.engine, worker=orders.name, lease=settings().lease_seconds)
        self._runner = Runner(app, ledger=self._ledger, place=place, hand=self._hand, books=self._worker)
        self._pulse = Pulse(self._worker, self._hand, parent=orders.parent, hand_back=self._hand_back)
        self._trading = Lock()
        self._jobs = self._failed = 0
        self._worked = 0.0
        self._pace = SHARE_SECONDS
        self._unsure = False
        self._interruptible = False

    def work(self) -> None:
        """Work until a signal says stop, until the share is done, or in a burst until there is nothing left to do."""
        for number in STOP_SIGNALS:
            signal.signal(number, self._stop)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        companion().on_revoked = self._note_revocation
        self._pulse.start()
        with suppress(_Woken):
            while not self._hand.stopping and self._jobs < self._orders.max_jobs:
                if not self._round() and self._orders.burst:
                    break
        self._hand.stopping = True
        self._leave()

    def _round(self) -> bool:
        """Tell Redis what is finished, take what comes next and do it; False when there was nothing to do."""
        try:
            orders = self._trade(want=self._share(), recover=self._unsure)
            self._unsure = False
            self._place.told()
            if not orders and not self._orders.burst:
                self._wait_for_bell()
        except RedisError as error:
            log.warning("Redis is away: no jobs can be taken", error=str(error))
            self._idle(lambda: time.sleep(AWAY_SECONDS))
            return True
        if orders:
            self._hand.take(orders)
            self._work_off()
        return bool(orders)

    def _work_off(self) -> None:
        began, before = time.monotonic(), self._jobs
        try:
            while (order := self._hand.next()) is not None:
                self._failed += not self._runner.run(order)
                self._hand.finish(order)
                self._jobs += 1
        except DatabaseAway as error:
            log.warning("the database is away: no jobs can be run", error=str(error))
            self._hand.put_back()
            self._idle(lambda: time.sleep(AWAY_SECONDS))
        self._runner.settle()
        elapsed = time.monotonic() - began
        self._worked += elapsed
        self._pace = (self._pace + elapsed / max(self._jobs - before, 1)) / 2

    def _share(self) -> int:
        """Return how many jobs to take at once: short ones by the handful, long ones one by one."""
        return max(1, min(CAPACITY, int(SHARE_SECONDS / self._pace), self._orders.max_jobs - self._jobs))

    def _trade(self, *, want: int, recover: bool = False) -> list[Order]:
        """Hand over what is finished or waiting, and take up to `want` jobs; raises redis.RedisError.

        When the answer is lost nobody knows what was taken or handed back: then all but the finished goes back to the
        queues with the next trade between two jobs, by Redis's account of what this child holds (`recover`).
        """
        with self._trading:
            finished, returned = drain(self._hand.finished), drain(self._hand.waiting)
            worked, self._worked = self._worked, 0.0
            failed, self._failed = self._failed, 0
            try:
                return self._exchange.trade(
                    finished=finished, returned=returned, want=want, recover=recover, seconds=worked, failed=failed
                )
            except RedisError:
                self._unsure = True
                self._hand.finished.extend(finished)
                raise

    def _hand_back(self) -> None:
        """Give up what waits, and tell what is finished, while a job goes on or at the end; raises redis.RedisError."""
        self._trade(want=0)

    def _leave(self) -> None:
        """Hand over everything and take leave of RQ; what cannot be said now, the others find out by themselves."""
        self._pulse.stop()
        try:
            self._trade(want=0, recover=self._unsure)
            self._worker.leave()
        except RedisError as error:
            log.warning("Redis is away: this worker leaves without a word", error=str(error))
        self._ledger.disconnect()
        measures.flush()

    def _wait_for_bell(self) -> None:
        bells = [BELLS + queue for queue in self._orders.queues]
        self._idle(lambda: self._bell.blpop(bells, timeout=BELL_SECONDS))

    def _idle(self, wait: Callable[[], object]) -> None:
        """Do nothing but `wait`, which a signal to stop interrupts."""
        self._interruptible = True
        try:
            if not self._hand.stopping:
                wait()
        except _Woken:
            pass
        finally:
            self._interruptible = False

    def _note_revocation(self, run_id: RunId) -> None:
        """Let the parent know, which ends this process should the job not stop by itself."""
        order = self._hand.current
        if order is not None and order.id == str(run_id):
            self._place.revoke(order.execution)

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        self._hand.stopping = True
        if self._interruptible:
            self._interruptible = False
            raise _Woken
