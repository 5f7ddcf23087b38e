"""How much of its memory a machine uses, and Redis of what it may use."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from redis import Redis

_MEMINFO = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")


def machine_share() -> float | None:
    """Return the share of its memory that this machine, or the container it is, uses; None where nobody can tell."""
    return _container_share() or _meminfo_share()


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
