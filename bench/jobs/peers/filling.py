"""Enqueueing for peers, all alike: one call for each job."""

from __future__ import annotations

import time
from collections.abc import Callable


def filler(send: Callable[[int], object]) -> Callable[[int], None]:
    """Return a function that sends so many jobs."""

    def fill(count: int) -> None:
        for number in range(count):
            send(number)

    return fill


def stamper(send: Callable[[int], object]) -> Callable[[], int]:
    """Return a function that sends one job and returns the moment before."""

    def stamp() -> int:
        moment = time.monotonic_ns()
        send(0)
        return moment

    return stamp
