"""How the queues were doing: a sample of the counts twice a minute, and what lies between two of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on

from webapp.core import clock, measures
from webapp.core.db import session
from webapp.operations.models import QueueSample

_BOUNDS = measures.HISTOGRAMS["job_run_seconds"].bounds
_COUNTS = {"jobs_succeeded": "succeeded", "jobs_failed": "failed"}
_TIMES = {"job_wait_seconds": "wait", "job_run_seconds": "run"}

Numbers = dict[str, Any]


@dataclass(kw_only=True)
class Work:
    """What was done between two samples: attempts that went well or not, and how long they waited and took.

    `wait` and `run` count durations by the bound that they are sorted under, the last one those beyond all bounds.
    """

    queue: str = ""
    succeeded: int = 0
    failed: int = 0
    wait: list[int] = field(default_factory=lambda: [0] * (len(_BOUNDS) + 1))
    run: list[int] = field(default_factory=lambda: [0] * (len(_BOUNDS) + 1))

    @property
    def ended(self) -> int:
        """How many attempts ended."""
        return self.succeeded + self.failed

    @property
    def failed_share(self) -> float:
        """Which part of them failed, from 0 to 1."""
        return self.failed / self.ended if self.ended else 0.0

    def add(self, other: Work) -> None:
        """Count the other's work as well."""
        self.succeeded += other.succeeded
        self.failed += other.failed
        self.wait = [one + two for one, two in zip(self.wait, other.wait, strict=True)]
        self.run = [one + two for one, two in zip(self.run, other.run, strict=True)]


@dataclass(frozen=True, kw_only=True)
class Interval:
    """The time between two samples: what each queue did in it, and what was waiting at its end."""

    start: datetime
    end: datetime
    queues: Mapping[str, Work]
    depth: Mapping[str, int]

    @property
    def minutes(self) -> float:
        """How long it was."""
        return max((self.end - self.start).total_seconds(), 1.0) / 60


def take(*, depths: Mapping[str, int]) -> Numbers:
    """Return the counts of all processes by job, beside the depth of each queue; raises RedisError."""
    jobs: defaultdict[str, Numbers] = defaultdict(dict)
    for series, value in measures.read_all():
        if len(series.values) != 2:
            continue
        job, queue = series.values
        if series.name in _COUNTS:
            jobs[job] |= {"queue": queue, _COUNTS[series.name]: int(value)}
        elif series.name in _TIMES and series.part != "sum":
            jobs[job].setdefault(_TIMES[series.name], {})[series.part] = int(value)
    return {"queues": dict(depths), "jobs": dict(jobs)}


def job_totals() -> dict[str, int]:
    """Return how many jobs were enqueued, started and so on since the counters began; raises RedisError."""
    totals = {name.removeprefix("jobs_"): 0 for name in measures.COUNTERS if name.startswith("jobs_")}
    for series, value in measures.read_all():
        name = series.name.removeprefix("jobs_")
        if series.name in measures.COUNTERS and name in totals:
            totals[name] += int(value)
    return totals


def record(numbers: Numbers) -> None:
    """Keep a sample, in the caller's transaction."""
    session().add(QueueSample(numbers=numbers, taken_at=clock.now()))


def age() -> timedelta | None:
    """Return how long ago the latest sample was taken, None without any."""
    taken_at = session().scalar(select(func.max(QueueSample.taken_at)))
    return clock.now() - taken_at if taken_at else None


def before(moment: datetime) -> Numbers:
    """Return the latest sample that is no younger than `moment`, else the oldest there is; empty without any."""
    older = select(QueueSample.numbers).where(QueueSample.taken_at <= moment).order_by(QueueSample.taken_at.desc())
    oldest = select(QueueSample.numbers).order_by(QueueSample.taken_at)
    return session().scalar(older.limit(1)) or session().scalar(oldest.limit(1)) or {}


def work_by_job(earlier: Numbers, later: Numbers) -> dict[str, Work]:
    """Return what each job did between two samples."""
    before_by_job: Numbers = earlier.get("jobs", {})
    return {name: _work(before_by_job.get(name, {}), numbers) for name, numbers in later.get("jobs", {}).items()}


def intervals(*, since: timedelta, every: timedelta) -> list[Interval]:
    """Return the time since so long ago in steps of `every`, as far as there are samples; oldest first."""
    step = func.date_bin(every, QueueSample.taken_at, datetime(2000, 1, 1, tzinfo=clock.now().tzinfo))
    query = (
        select(QueueSample)
        .where(QueueSample.taken_at > func.now() - since)
        .ext(distinct_on(step))
        .order_by(step, QueueSample.taken_at.desc())
    )
    samples = list(session().scalars(query))
    return [_interval(one, two) for one, two in pairwise(samples)]


def percentile(counts: Sequence[int], share: float) -> float | None:
    """Return the duration in seconds that `share` of those counted stay within, as fine as the bounds are.

    None when nothing was counted.
    """
    total, seen = sum(counts), 0
    if not total:
        return None
    lower = 0.0
    for bound, count in zip(_BOUNDS, counts, strict=False):
        if count and seen + count >= share * total:
            return lower + (bound - lower) * (share * total - seen) / count
        seen, lower = seen + count, bound
    return _BOUNDS[-1]


def _interval(one: QueueSample, two: QueueSample) -> Interval:
    queues: defaultdict[str, Work] = defaultdict(Work)
    for work in work_by_job(one.numbers, two.numbers).values():
        queues[work.queue].add(work)
    return Interval(start=one.taken_at, end=two.taken_at, queues=queues, depth=two.numbers["queues"])


def _work(earlier: Numbers, later: Numbers) -> Work:
    return Work(
        queue=later.get("queue", ""),
        succeeded=_more(earlier, later, "succeeded"),
        failed=_more(earlier, later, "failed"),
        wait=_sorted(earlier.get("wait", {}), later.get("wait", {})),
        run=_sorted(earlier.get("run", {}), later.get("run", {})),
    )


def _sorted(earlier: Numbers, later: Numbers) -> list[int]:
    within = [_more(earlier, later, str(index)) for index in range(len(_BOUNDS))]
    return [*within, max(_more(earlier, later, "count") - sum(within), 0)]


def _more(earlier: Numbers, later: Numbers, name: str) -> int:
    """Return by how much a count has grown; when it is less than it was, Redis has lost its data and began anew."""
    was, now = earlier.get(name, 0), later.get(name, 0)
    return int(now - was if now >= was else now)


def totals(works: Iterable[Work]) -> Work:
    """Return several pieces of work as one."""
    total = Work()
    for work in works:
        total.add(work)
    return total
