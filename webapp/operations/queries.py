"""What RQ and our scheduler have written to Redis about themselves, read without changing anything.

RQ's own classes clean up while they read and change the time limits of the connection they are given, hence the plain
commands; tests hold the names of the keys against a real worker.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from redis import Redis

from webapp.core import clock

SCHEDULER_LEADER_KEY = "almanac:scheduler:leader"

_WORKERS_KEY = "rq:workers"
_QUEUE_PREFIX = "rq:queue:"
_JOB_PREFIX = "rq:job:"


@dataclass(frozen=True, kw_only=True)
class LiveWorker:
    """A worker whose record in Redis has not run out; times are aware, `job_ids` are what it works on now."""

    name: str
    hostname: str
    pid: int | None
    queues: tuple[str, ...]
    state: str
    born_at: datetime | None
    heard_at: datetime | None
    succeeded: int
    failed: int
    working_seconds: float
    rq_version: str
    python_version: str
    job_ids: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class QueueState:
    """How many jobs wait in an RQ queue, and for how many seconds its first one has."""

    name: str
    waiting: int
    oldest_seconds: float


def live_workers(*, redis: Redis) -> list[LiveWorker]:
    """Return the workers that are alive, by name, in two round trips; raises RedisError when Redis is away.

    A worker chooses itself for how long its record lasts without a heartbeat; one that has taken its leave is gone.
    """
    keys: list[str] = sorted(key.decode() for key in _answer(redis.smembers(_WORKERS_KEY)))
    with redis.pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.hgetall(key)
            pipe.smembers(f"{key}:executions")
        answers = pipe.execute()
    records = zip(keys, answers[::2], answers[1::2], strict=True)
    return [_worker(key, record, jobs) for key, record, jobs in records if record and b"death" not in record]


def scheduler_leader(*, redis: Redis) -> str | None:
    """Return the name of the scheduler that leads, None when none does; raises RedisError when Redis is away."""
    leader = _answer(redis.get(SCHEDULER_LEADER_KEY))
    return leader.decode() if leader else None


def queue_states(names: Sequence[str], *, redis: Redis) -> list[QueueState]:
    """Return the state of the RQ queues `names`, in two round trips; raises RedisError when Redis is away."""
    with redis.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.llen(_QUEUE_PREFIX + name)
            pipe.lindex(_QUEUE_PREFIX + name, 0)
        answers = pipe.execute()
        firsts = answers[1::2]
        for first in firsts:
            pipe.hget(_JOB_PREFIX + (first or b"").decode(), "enqueued_at")
        enqueued = pipe.execute()
    now = clock.now()
    return [
        QueueState(name=name, waiting=waiting, oldest_seconds=_seconds_since(since, now))
        for name, waiting, since in zip(names, answers[::2], enqueued, strict=True)
    ]


def whole_queues(lanes: Mapping[str, str], *, redis: Redis) -> list[QueueState]:
    """Return the state of each queue, its lanes together; `lanes` says of each RQ queue which one it is part of.

    Raises RedisError when Redis is away.
    """
    found = {name: QueueState(name=name, waiting=0, oldest_seconds=0.0) for name in lanes.values()}
    for state in queue_states(list(lanes), redis=redis):
        so_far = found[lanes[state.name]]
        found[so_far.name] = QueueState(
            name=so_far.name,
            waiting=so_far.waiting + state.waiting,
            oldest_seconds=max(so_far.oldest_seconds, state.oldest_seconds),
        )
    return list(found.values())


def size_of_set(key: str, *, redis: Redis) -> int:
    """Return how many members the sorted set `key` has; raises RedisError when Redis is away."""
    return int(_answer(redis.zcard(key)))


def is_queue(name: str, *, redis: Redis) -> bool:
    """Tell whether RQ has ever seen a queue of this name; raises RedisError when Redis is away."""
    return bool(redis.sismember("rq:queues", _QUEUE_PREFIX + name))


def _worker(key: str, record: dict[bytes, bytes], jobs: set[bytes]) -> LiveWorker:
    fields = {name.decode(): value.decode() for name, value in record.items()}
    return LiveWorker(
        name=key.removeprefix("rq:worker:"),
        hostname=fields.get("hostname", ""),
        pid=int(fields["pid"]) if fields.get("pid", "").isdigit() else None,
        queues=tuple(filter(None, fields.get("queues", "").split(","))),
        state=fields.get("state", "starting"),
        born_at=_instant(record.get(b"birth")),
        heard_at=_instant(record.get(b"last_heartbeat")),
        succeeded=int(fields.get("successful_job_count") or 0),
        failed=int(fields.get("failed_job_count") or 0),
        working_seconds=float(fields.get("total_working_time") or 0),
        rq_version=fields.get("version", ""),
        python_version=fields.get("python_version", ""),
        job_ids=tuple(sorted(member.decode().rpartition(":")[0] for member in jobs)),  # "job:execution"
    )


def _seconds_since(value: bytes | None, now: datetime) -> float:
    instant = _instant(value)
    return max((now - instant).total_seconds(), 0.0) if instant else 0.0


def _instant(value: bytes | None) -> datetime | None:
    """Read a time as RQ writes it: ISO 8601, UTC, with or without saying so."""
    if not value:
        return None
    read = datetime.fromisoformat(value.decode())
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _answer(value: Any) -> Any:
    """Return `value` as what the synchronous client gives, whose type the client shares with the asynchronous one."""
    return value
