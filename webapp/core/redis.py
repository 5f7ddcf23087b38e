"""The two Redis connections: one that carries jobs, one for what may be forgotten."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from webapp.core import sentinel
from webapp.core.settings import settings

# Sentinels answer at once or not at all, and there are others to ask.
SENTINEL_SECONDS = 0.5


def connect(url: str, *, timeout: float | None = 1.0) -> Redis:
    """Return a client for `url` that gives up after `timeout` seconds (None waits for as long as it takes).

    It never repeats a command by itself: a lost answer to a push must not become two pushes. Where the address names
    Sentinels, it finds the primary by them, anew whenever it has to connect.
    """
    limits = _limits(timeout)
    if url.startswith(sentinel.SCHEMES):
        asking = _limits(min(timeout or SENTINEL_SECONDS, SENTINEL_SECONDS))
        return sentinel.connect(sentinel.parse(url), limits=limits, sentinel_limits=asking)
    return Redis.from_url(url, **limits)


def _limits(timeout: float | None) -> dict[str, Any]:
    return {
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout or 1.0,
        "retry": Retry(NoBackoff(), 0),
        "health_check_interval": 0,
    }


@lru_cache(maxsize=1)
def jobs_redis() -> Redis:
    """Return this process's client of the Redis that carries jobs."""
    return connect(settings().redis_url)


@lru_cache(maxsize=1)
def cache_redis() -> Redis:
    """Return this process's client of the Redis that holds the cache and the rate limits.

    It gives up soon, since no request should wait for what it can do without.
    """
    return connect(settings().cache_redis_url, timeout=0.25)
