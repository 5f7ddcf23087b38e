"""Jobs with limits, which leave in Redis when they began and how many were at it at once."""

from __future__ import annotations

import time
from typing import Any

from jobs.runtime import RetryPolicy, job
from webapp.core.redis import jobs_redis

BEGUN = "tests:begun"
AT_ONCE = "tests:at_once"
MOST = "tests:most"


def begin(name: str = "") -> None:
    clock: Any = jobs_redis().time()
    seconds, micros = clock
    jobs_redis().rpush(BEGUN + name, f"{seconds}.{micros:06}")


def begun(name: str = "") -> list[float]:
    moments: Any = jobs_redis().lrange(BEGUN + name, 0, -1)
    return sorted(map(float, moments))


@job(queue="maintenance", rate="3/m")
def three_a_minute() -> None:
    begin()


@job(queue="maintenance", rate="1/m", rate_key=lambda customer: customer.lower())
def one_a_minute_each(customer: str, note: str = "") -> None:
    begin(customer.lower())


@job(queue="maintenance", rate="40/2s")
def forty_in_two_seconds() -> None:
    begin()


@job(queue="maintenance", rate="1/m", retry=RetryPolicy("at once", (0, 0)))
def one_a_minute_and_fails() -> None:
    begin()
    raise ValueError("it is broken")


@job(queue="maintenance", concurrency=1, concurrency_key="calendar")
def one_for_each_calendar(calendar: str, seconds: float = 0.0) -> None:
    hold(calendar, seconds)


@job(queue="maintenance", concurrency=2, atomic=True)
def two_at_once(seconds: float = 0.0) -> None:
    hold("", seconds)


@job(queue="maintenance", concurrency=1, retry="never")
def one_that_fails() -> None:
    raise ValueError("it is broken")


def hold(name: str, seconds: float) -> None:
    redis = jobs_redis()
    begin(name)
    at_once: Any = redis.incr(AT_ONCE + name)
    redis.rpush(MOST + name, at_once)
    time.sleep(seconds)  # work
    redis.decr(AT_ONCE + name)


def most(name: str = "") -> int:
    seen: Any = jobs_redis().lrange(MOST + name, 0, -1)
    return max(map(int, seen))


@job(queue="maintenance", rate="240/m")
def two_hundred_and_forty_a_minute() -> None:
    begin()
