"""The two Redis connections: one that carries jobs, one for what may be forgotten."""

from __future__ import annotations

from functools import lru_cache

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from webapp.core.settings import settings


def connect(url: str, *, timeout: float | None = 1.0) -> Redis:
    """Return a client for `url` that gives up after `timeout` seconds (None waits for as long as it takes).

    It never repeats a command by itself: a lost answer to a push must not become two pushes.
    """
    return Redis.from_url(
        url, socket_timeout=timeout, socket_connect_timeout=1.0, retry=Retry(NoBackoff(), 0), health_check_interval=0
    )


@lru_cache(maxsize=1)
def jobs_redis() -> Redis:
    """Return this process's client of the Redis that carries jobs."""
    return connect(settings().redis_url)


@lru_cache(maxsize=1)
def cache_redis() -> Redis:
    """Return this process's client of the Redis that holds the cache and the rate limits."""
    return connect(settings().cache_redis_url)
