"""Jobs for workers in processes of their own: each tells the test in Redis what it does, and waits for its word."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from jobs.runtime import RetryPolicy, job
from tests.jobs.sample import mark_here
from webapp.core.db import transaction
from webapp.core.redis import jobs_redis

SOON = RetryPolicy("soon", (0.2,))
LOG = "test:log"
GO = "test:go:"


def tell(event: str, mark: str) -> None:
    """Let the test know what happens, and in which process."""
    jobs_redis().rpush(LOG, f"{event} {mark} {os.getpid()}")


def wait_for_word(mark: str) -> None:
    """Wait until the test says go, for a minute at most."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        word: Any = jobs_redis().lpop(GO + mark)
        if word:
            return
        time.sleep(0.02)


@job(queue="bookings")
def work(mark: str) -> str:
    tell("did", mark)
    return mark


@job(queue="bookings", atomic=True)
def work_atomically(mark: str) -> None:
    mark_here(mark)


@job(queue="bookings", durable=False)
def work_cheaply(mark: str) -> None:
    tell("did", mark)


@job(queue="bookings", durable=False)
def fail_cheaply(mark: str) -> None:
    raise ValueError(mark)


@job(queue="bookings")
def hold(mark: str) -> None:
    tell("began", mark)
    wait_for_word(mark)
    with transaction():
        mark_here(mark)
    tell("ended", mark)


@job(queue="bookings", durable=False)
def hold_cheaply(mark: str) -> None:
    tell("began", mark)
    wait_for_word(mark)
    tell("ended", mark)


@job(queue="bookings", soft_time_limit=1, time_limit=1, retry=SOON)
def ignore_limits(mark: str) -> None:
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    tell("began", mark)
    wait_for_word(mark)


@job(queue="bookings", durable=False, soft_time_limit=1, time_limit=1)
def ignore_limits_cheaply(mark: str) -> None:
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    tell("began", mark)
    wait_for_word(mark)


@job(queue="bookings", soft_time_limit=1, time_limit=5, retry=SOON)
def mind_the_soft_limit(mark: str) -> None:
    tell("began", mark)
    wait_for_word(mark)


_kept: list[bytes] = []


@job(queue="bookings")
def grow(mark: str, megabytes: int) -> None:
    _kept.append(os.urandom(1024 * 1024) * megabytes)
    tell("began", mark)
    wait_for_word(mark)


@job(queue="bookings")
def leave(mark: str) -> None:
    tell("began", mark)
    raise SystemExit(3)
