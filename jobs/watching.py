"""What is looked at twice a minute, by a job or else by a watchman, so that alerts know what is beyond its limit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from redis import Redis

from jobs.runtime import browse, carrier, registry
from jobs.runtime.declare import SOFT_TIME_LIMIT
from webapp.core import clock
from webapp.core.settings import settings
from webapp.operations import alerts, cache_figures, memory, queries, samples
from webapp.operations.alerts import Reading
from webapp.operations.models import Alert, AlertKind

# Failures and slow jobs are counted over so long; without new ones in that time the trouble is over.
WINDOW = timedelta(minutes=5)
# Fewer attempts than this say nothing about a share.
FEWEST_ATTEMPTS = 5

# Kinds of which every subject in trouble is seen by one look; of its memory a machine may not have said anything yet.
COMPLETE = frozenset({AlertKind.SLOW_JOB, AlertKind.FAILURES, AlertKind.DEEP_QUEUE})


def take_sample(*, redis: Redis) -> samples.Numbers:
    """Return the counts and depths of this moment; raises RedisError when Redis is away."""
    states = queries.whole_queues(carrier.lanes(), redis=redis)
    return samples.take(depths={state.name: state.waiting for state in states})


def settle(now: samples.Numbers, *, redis: Redis, by_watchman: bool = False) -> list[Alert]:
    """Raise and end alerts by what there is to say, and keep the sample, in the caller's transaction.

    Returns what was raised; raises RedisError.
    """
    raised = alerts.settle(readings(now, redis=redis), complete=COMPLETE, by_watchman=by_watchman)
    samples.record(now)
    return raised


def readings(now: samples.Numbers, *, redis: Redis) -> list[Reading]:
    """Return what there is to say of slow jobs, failures, queues, memory and the cache, in the caller's transaction."""
    return [*_slow_jobs(), *_failures(now), *_deep_queues(now), *_memory(redis), *_cache(redis)]


def slow_limits() -> dict[str, float]:
    """Return for jobs that declare a soft time limit of their own how many seconds they may take."""
    return {
        job.name: float(job.options.soft_time_limit)
        for job in registry.all_jobs()
        if job.options.soft_time_limit != SOFT_TIME_LIMIT
    }


def _slow_jobs() -> Iterator[Reading]:
    limits, usual = slow_limits(), settings().alert_job_seconds
    for name, seconds, _runs in browse.slow(usual=usual, limits=limits, since=clock.now() - WINDOW):
        yield Reading(kind=AlertKind.SLOW_JOB, subject=name, value=seconds, limit=limits.get(name, usual))


def _failures(now: samples.Numbers) -> Iterator[Reading]:
    earlier = samples.before(clock.now() - WINDOW)
    for name, work in samples.work_by_job(earlier, now).items():
        if work.ended >= FEWEST_ATTEMPTS:
            yield Reading(kind=AlertKind.FAILURES, subject=name, value=work.failed_share, limit=alerts.failure_limit())


def _deep_queues(now: samples.Numbers) -> Iterator[Reading]:
    for queue, depth in now["queues"].items():
        yield Reading(
            kind=AlertKind.DEEP_QUEUE, subject=queue, value=float(depth), limit=float(settings().alert_queue_depth)
        )


def _memory(redis: Redis) -> Iterator[Reading]:
    shares = {**memory.machine_shares(redis=redis), "Redis": memory.redis_share(redis=redis)}
    for subject, share in shares.items():
        if share is not None:
            yield Reading(kind=AlertKind.MEMORY, subject=subject, value=share, limit=alerts.memory_limit())


def _cache(redis: Redis) -> Iterator[Reading]:
    """Say how the cache did when its figures were last taken, which is once an hour."""
    figures = cache_figures.recorded(jobs=redis)
    if (found := figures.get("hit_ratio")) is not None:
        yield Reading(kind=AlertKind.CACHE_MISSES, subject="cache", value=1 - found, limit=alerts.cache_miss_limit())
