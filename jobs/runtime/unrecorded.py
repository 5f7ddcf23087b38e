"""What Redis keeps of runs that have no row: those that failed, for as long as RQ keeps them (24 hours of ours)."""

from __future__ import annotations

import zlib
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from redis import Redis
from rq.job import Job as RqJob
from rq.registry import FailedJobRegistry
from rq.results import Result

from jobs.runtime import carrier, registry
from webapp.core.logs import without_secrets


@dataclass(frozen=True, kw_only=True)
class FailedRun:
    """A run without a row that has failed: `error` is the last line of its `trace`."""

    id: str
    name: str
    queue: str
    failed_at: datetime | None
    error: str
    trace: str


def failed_runs(redis: Redis, *, limit: int) -> list[FailedRun]:
    """Return those that failed last, the newest first; raises redis.RedisError.

    Read by plain commands: RQ's own classes clean up while they read.
    """
    found = _latest(redis, limit=limit)
    with redis.pipeline(transaction=False) as pipeline:
        for run_id, _queue in found:
            pipeline.hget(f"{RqJob.redis_job_namespace_prefix}{run_id}", "description")
            pipeline.xrevrange(Result.get_key(run_id), count=1)  # type: ignore[no-untyped-call]  # RQ's own
        answers: list[Any] = pipeline.execute()
    runs = [
        _run(run_id, queue, path, result)
        for (run_id, queue), path, result in zip(found, answers[::2], answers[1::2], strict=True)
        if path is not None
    ]
    return [run for run in runs if not registry.has_row(run.name)]


def _latest(redis: Redis, *, limit: int) -> Sequence[tuple[str, str]]:
    """Return id and queue of what RQ lists as failed; RQ orders it by when it is to be forgotten."""
    lanes = carrier.lanes()
    with redis.pipeline(transaction=False) as pipeline:
        for name in lanes:
            pipeline.zrevrange(FailedJobRegistry.key_template.format(name), 0, limit - 1, withscores=True)
        answers: list[Any] = pipeline.execute()
    listed = [
        (forgotten_at, member.decode(), queue)
        for queue, members in zip(lanes.values(), answers, strict=True)
        for member, forgotten_at in members
    ]
    return [(run_id, queue) for _, run_id, queue in sorted(listed, reverse=True)[:limit]]


def _run(run_id: str, queue: str, path: bytes, results: Any) -> FailedRun:
    trace, failed_at = "", None
    for result_id, fields in results:
        failed_at = datetime.fromtimestamp(int(result_id.split(b"-")[0]) / 1000, tz=UTC)
        trace = without_secrets(zlib.decompress(b64decode(fields.get(b"exc_string", b""))).decode())
    return FailedRun(
        id=run_id,
        name=path.decode().removeprefix("jobs."),
        queue=queue,
        failed_at=failed_at,
        error=trace.strip().rpartition("\n")[2],
        trace=trace,
    )
