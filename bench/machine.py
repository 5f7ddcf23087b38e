"""Where numbers were taken: without it they mean nothing."""

from __future__ import annotations

import os
import platform
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import psycopg
from redis import Redis

from bench.installation import Installation


def describe(installation: Installation) -> dict[str, Any]:
    """Return what of this machine decides how fast things are; times in milliseconds, memory in gigabytes."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "postgresql": _postgres_version(installation.postgres.url),
        "redis": _redis_version(installation.redis.url),
        "sync_ms": round(_sync_ms(installation.folder), 3),
        "load_before": round(os.getloadavg()[0], 2),
        "taken_at": datetime.now(UTC).isoformat(timespec="minutes"),
    }


def sentence(machine: dict[str, Any]) -> str:
    """Return the description as one paragraph."""
    return (
        f"Taken {machine['taken_at']} on {machine['cores']} cores of {machine['processor']}, "
        f"{machine['memory_gb']} GB, {machine['system']}; Python {machine['python']}, PostgreSQL "
        f"{machine['postgresql']}, Redis {machine['redis']}; the disk confirms a write in {machine['sync_ms']} ms; "
        f"load before the start {machine['load_before']}."
    )


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    names = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    found = (line.partition(":")[2].strip() for line in names if line.startswith("model name"))
    return next(found, platform.processor() or platform.machine())


def _postgres_version(url: str) -> str:
    with psycopg.connect(url) as connection:
        return str(connection.info.parameter_status("server_version"))


def _redis_version(url: str) -> str:
    with Redis.from_url(url) as redis:
        server: Any = redis.info("server")  # the stub also allows for the asynchronous client
        return str(server["redis_version"])


def _sync_ms(folder: Path, *, times: int = 50) -> float:
    """The median time until the disk has confirmed a page of 8 KB, which is what every commit waits for."""
    taken = []
    with (folder / "sync").open("wb", buffering=0) as file:
        for _ in range(times):
            file.write(b"\0" * 8192)
            began = time.perf_counter()
            os.fsync(file.fileno())
            taken.append(time.perf_counter() - began)
    return median(taken) * 1000
