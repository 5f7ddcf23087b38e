"""What a child holds: shared by the thread that works and the one that beats, without a lock on the way of a job."""

from __future__ import annotations

import time
from collections import deque
from threading import Event

from jobs.runtime.prefork.exchange import Order

# A child that has not begun a job so long after taking it was frozen or blocked; the job may be elsewhere by now.
STALE_SECONDS = 1.0


class Hand:
    """The jobs of a child: one `current`, the `waiting` ones, and the `finished` ones that Redis has yet to hear of.

    Only operations of the deques that are atomic in themselves are used from both threads.
    """

    def __init__(self) -> None:
        self.current: Order | None = None
        self.since = 0.0
        self.waiting: deque[Order] = deque()
        self.finished: deque[Order] = deque()
        self.full = Event()
        self.stopping = False
        self._taken_at = 0.0

    def take(self, orders: list[Order]) -> None:
        """Hold `orders`, which were just taken."""
        self._taken_at = self.since = time.monotonic()
        self.waiting.extend(orders)
        if len(orders) > 1:
            self.full.set()

    def next(self) -> Order | None:
        """Return the next job to begin, None when there is none or when the rest had better be handed back."""
        now = time.monotonic()
        if self.stopping or now > self._taken_at + STALE_SECONDS:
            return None
        try:
            order = self.waiting.popleft()
        except IndexError:
            return None
        self.current, self.since = order, now
        return order

    def put_back(self) -> None:
        """State that the current job was not begun after all."""
        order, self.current = self.current, None
        if order is not None:
            self.waiting.appendleft(order)

    def finish(self, order: Order) -> None:
        """State that the current job is over."""
        self.current = None
        self.finished.append(order)


def drain(orders: deque[Order]) -> list[Order]:
    """Take all of `orders`; what two threads drain at once is divided between them."""
    drained = []
    while True:
        try:
            drained.append(orders.popleft())
        except IndexError:
            return drained
