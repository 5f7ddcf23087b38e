"""How the cache's Redis does: taken now and then by a job, and read by whoever wants to know."""

from __future__ import annotations

from typing import Any

from redis import Redis

from webapp.core import measures

Figures = dict[str, Any]

KEY = "almanac:cache:figures"
# Fewer lookups than this say nothing about a share.
FEWEST_LOOKUPS = 200
_NUMBERS = (
    *("memory_bytes", "memory_limit_bytes", "keys", "evicted", "expired"),
    *("commands_per_second", "clients", "hits", "misses"),
)


def take(*, cache: Redis, jobs: Redis) -> Figures:
    """Return the cache's figures of this moment, and how its lookups went since the last time; raises RedisError.

    Memory is in bytes; `hit_ratio` is a share of 1, None when too few lookups were made to tell.
    """
    info: Any = cache.info()
    keys: Any = cache.dbsize()
    lookups = _lookups()
    earlier = recorded(jobs=jobs)
    hits, misses = (_grown(earlier.get(name, 0), lookups[name]) for name in ("hits", "misses"))
    asked = hits + misses
    return {
        "memory_bytes": info["used_memory"],
        "memory_limit_bytes": info["maxmemory"],
        "keys": keys,
        "evicted": info["evicted_keys"],
        "expired": info["expired_keys"],
        "commands_per_second": info["instantaneous_ops_per_sec"],
        "clients": info["connected_clients"],
        **lookups,
        "lookups_since": asked,
        "hit_ratio": round(hits / asked, 3) if asked >= FEWEST_LOOKUPS else None,
    }


def record(figures: Figures, *, jobs: Redis) -> None:
    """Keep the figures until the next ones are taken; raises RedisError."""
    known = {name: value for name, value in figures.items() if value is not None}
    with jobs.pipeline(transaction=True) as pipe:
        pipe.delete(KEY)
        pipe.hset(KEY, mapping=known)
        pipe.execute()


def recorded(*, jobs: Redis) -> Figures:
    """Return what was kept last, nothing when nothing was; raises RedisError."""
    found: Any = jobs.hgetall(KEY)
    values = {name.decode(): float(value) for name, value in found.items()}
    return {name: int(value) if name in _NUMBERS else value for name, value in values.items()}


def _lookups() -> dict[str, int]:
    totals = {"hits": 0, "misses": 0}
    for series, value in measures.read_all():
        if series.name == "availability_chunks":
            totals["hits" if series.values == ("hit",) else "misses"] += int(value)
    return totals


def _grown(earlier: int, now: int) -> int:
    """Return by how much a count has grown; when it is less than it was, Redis has lost its data and began anew."""
    return now - earlier if now >= earlier else now
