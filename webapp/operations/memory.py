"""How much of its memory a machine uses, and Redis of what it may use; each machine says so of itself in Redis."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from redis import Redis

KEY = "almanac:memory"
# What was said longer ago is no news of a machine.
FRESH_SECONDS = 60.0

_MEMINFO = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")


def machine_share() -> float | None:
    """Return the share of its memory that this machine, or the container it is, uses; None where nobody can tell."""
    return _container_share() or _meminfo_share()


def report(*, redis: Redis) -> None:
    """Say how much of its memory this machine uses, for whoever looks for alerts; raises RedisError."""
    share = machine_share()
    if share is not None:
        redis.hset(KEY, socket.gethostname(), f"{share:.4f} {time.time():.0f}")


def machine_shares(*, redis: Redis) -> dict[str, float]:
    """Return by name what share of its memory each machine uses that has said so of late; raises RedisError."""
    said: Any = redis.hgetall(KEY)
    shares = {}
    for host, words in said.items():
        share, at = map(float, words.split())
        if time.time() - at <= FRESH_SECONDS:
            shares[host.decode()] = share
        else:
            redis.hdel(KEY, host)
    return shares


def redis_share(*, redis: Redis) -> float | None:
    """Return the share of its `maxmemory` that Redis uses, None when it has none; raises RedisError."""
    info: Any = redis.info("memory")
    return info["used_memory"] / info["maxmemory"] if info.get("maxmemory") else None


def _container_share() -> float | None:
    with suppress(OSError, ValueError):
        limit = int((_CGROUP / "memory.max").read_text())  # "max" is no number: no limit
        stat = dict(line.split() for line in (_CGROUP / "memory.stat").read_text().splitlines())
        used = int((_CGROUP / "memory.current").read_text()) - int(stat["inactive_file"])
        return used / limit
    return None


def _meminfo_share() -> float | None:
    with suppress(OSError, ValueError, KeyError):
        lines = (line.split(":") for line in _MEMINFO.read_text().splitlines())
        kilobytes = {name: int(rest.split()[0]) for name, rest in lines}
        return 1 - kilobytes["MemAvailable"] / kilobytes["MemTotal"]
    return None
