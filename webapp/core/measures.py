"""Counters, histograms and gauges of all processes, kept together in the Redis that carries jobs.

A call adds to a table in memory; a thread writes what has gathered to Redis once a second, so callers neither wait
nor fail. Counts survive restarts of any process; those gathered while Redis is away are written when it is back.
`/metrics` reads them with one command. docs/operate.md says what each means.
"""

from __future__ import annotations

import atexit
import os
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, Lock, RLock, Thread
from typing import Literal
from uuid import uuid4

from redis.exceptions import RedisError

from webapp.core.logs import get_logger
from webapp.core.redis import jobs_redis
from webapp.core.settings import SettingsError

KEY = "almanac:measures"
FLUSH_SECONDS = 1.0
# So long it is known which batch of a process was written last; a longer absence of Redis may count one batch twice.
WRITTEN_SECONDS = 86_400

# KEYS: the measures, the number of this process's last batch. ARGV: the batch's number, for how long to keep it, then
# command, field and amount of every series. A process writes one batch after the other, so the last number suffices.
_WRITE = """
if redis.call('GET', KEYS[2]) == ARGV[1] then return end
redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[2])
for i = 3, #ARGV, 3 do redis.call(ARGV[i], KEYS[1], ARGV[i + 1], ARGV[i + 2]) end
"""

CounterName = Literal[
    "http_requests",
    "jobs_enqueued",
    "jobs_started",
    "jobs_succeeded",
    "jobs_failed",
    "jobs_retried",
    "jobs_dead",
    "jobs_interrupted",
    "jobs_postponed",
    "jobs_cancelled",
    "jobs_replayed",
    "jobs_pushed_again",
    "scheduler_ticks",
    "workers_lost",
    "breaker_opened",
    "availability_chunks",
]
GaugeName = Literal["bookings_made", "late_confirmations", "waitlist_entries"]
HistogramName = Literal["http_request_seconds", "job_wait_seconds", "job_run_seconds"]


@dataclass(frozen=True, kw_only=True)
class Counter:
    """Something that is counted, told apart by the values of `labels`."""

    help: str
    labels: tuple[str, ...] = ("job", "queue")


@dataclass(frozen=True, kw_only=True)
class Gauge:
    """Something that was found to be so much when somebody last looked."""

    help: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """Durations in seconds, sorted into `bounds` (upper limits, inclusive; what is longer counts in the total)."""

    help: str
    labels: tuple[str, ...]
    bounds: tuple[float, ...]


_REQUEST_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_JOB_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)

COUNTERS: Mapping[CounterName, Counter] = {
    "http_requests": Counter(help="Requests answered.", labels=("method", "route", "status")),
    "jobs_enqueued": Counter(help="Jobs handed to the runtime."),
    "jobs_started": Counter(help="Attempts begun."),
    "jobs_succeeded": Counter(help="Jobs that are done."),
    "jobs_failed": Counter(help="Attempts that ended with an error."),
    "jobs_retried": Counter(help="Attempts that failed and are to be repeated."),
    "jobs_dead": Counter(help="Jobs given up, for people to look at."),
    "jobs_interrupted": Counter(help="Attempts whose worker vanished or was stopped."),
    "jobs_postponed": Counter(help="Attempts put off without being charged."),
    "jobs_cancelled": Counter(help="Jobs cancelled before they were done."),
    "jobs_replayed": Counter(help="Dead letters that were given another chance."),
    "jobs_pushed_again": Counter(help="Jobs that Redis had lost and that were pushed to it again."),
    "scheduler_ticks": Counter(help="Ticks of periodic jobs that became a run."),
    "workers_lost": Counter(help="Worker processes that did not end by themselves, by cause.", labels=("cause",)),
    "breaker_opened": Counter(help="Times that a provider was found to be down.", labels=("breaker",)),
    "availability_chunks": Counter(
        help="Weeks of open times asked of the cache: found there (hit), or worked out (miss).", labels=("outcome",)
    ),
}
GAUGES: Mapping[GaugeName, Gauge] = {
    "bookings_made": Gauge(
        help="Bookings made in the last hour or day, in this week or the week before.", labels=("period", "week")
    ),
    "late_confirmations": Gauge(help="Guests who wait too long for the confirmation of their booking."),
    "waitlist_entries": Gauge(help="Guests in line for a time that is taken, by how they stand.", labels=("state",)),
}
HISTOGRAMS: Mapping[HistogramName, Histogram] = {
    "http_request_seconds": Histogram(
        help="Time to answer a request.", labels=("method", "route"), bounds=_REQUEST_BOUNDS
    ),
    "job_wait_seconds": Histogram(
        help="Time from when a job was due to its start.", labels=("job", "queue"), bounds=_JOB_BOUNDS
    ),
    "job_run_seconds": Histogram(help="Time that an attempt took.", labels=("job", "queue"), bounds=_JOB_BOUNDS),
}


@dataclass(frozen=True)
class Series:
    """One number of one measure.

    `part` is "count", and for a histogram also "sum" or the index of the bound that the number was sorted under; the
    one number of a gauge is its "value".
    """

    name: str
    values: tuple[str, ...]
    part: str

    def field(self) -> str:
        """Return the name of this number in Redis."""
        return "\x1f".join((self.name, self.part, *self.values))

    @classmethod
    def of(cls, field: str) -> Series:
        """Read what `field()` wrote; raises ValueError when it is not of that form."""
        name, part, *values = field.split("\x1f")
        return cls(name, tuple(values), part)


def count(name: CounterName, amount: int = 1, /, **labels: str) -> None:
    """Add `amount` to the counter `name`. Never raises and never waits; a wrong label is logged and not counted."""
    try:
        _gathered.add(Series(name, _values(COUNTERS[name].labels, labels), "count"), amount)
    except (KeyError, TypeError):
        _complain(name, labels)


def observe(name: HistogramName, seconds: float, /, **labels: str) -> None:
    """Sort `seconds` into the histogram `name`. Never raises and never waits; a wrong label is logged and left out."""
    try:
        histogram = HISTOGRAMS[name]
        values = _values(histogram.labels, labels)
    except (KeyError, TypeError):
        _complain(name, labels)
        return
    seconds = max(seconds, 0.0)  # clocks of two machines differ
    bucket = bisect_left(histogram.bounds, seconds)
    _gathered.add(Series(name, values, "count"), 1)
    _gathered.add(Series(name, values, "sum"), seconds)
    if bucket < len(histogram.bounds):
        _gathered.add(Series(name, values, str(bucket)), 1)


def set_gauge(name: GaugeName, value: float, /, **labels: str) -> None:
    """Note at once how much `name` was found to be; raises RedisError when Redis is away."""
    series = Series(name, _values(GAUGES[name].labels, labels), "value")
    jobs_redis().hset(KEY, series.field(), str(value))


def flush() -> None:
    """Write what this process has gathered now; for processes that end by `os._exit`. Never raises, waits up to 2 s."""
    _gathered.flush()


def read_all() -> Iterator[tuple[Series, float]]:
    """Yield every number of all processes, up to 1 s old; raises RedisError when Redis is away."""
    for field, value in jobs_redis().hgetall(KEY).items():  # type: ignore[union-attr]  # the asynchronous client's type
        yield Series.of(field.decode()), float(value)


def _values(names: tuple[str, ...], labels: dict[str, str]) -> tuple[str, ...]:
    """Return the labels' values in the order of `names`; raises KeyError when they are not exactly these."""
    if len(labels) != len(names):
        raise KeyError(*(labels.keys() ^ set(names)))
    return tuple(labels[name] for name in names)


def _complain(name: str, labels: dict[str, str]) -> None:
    get_logger(__name__).error("there is no such measure", measure=name, labels=sorted(labels))


class _Gathered:
    """What this process has counted since the last write."""

    def __init__(self) -> None:
        self._lock = RLock()  # a signal's handler may count while its thread is in here
        self._writing = Lock()
        self._amounts: defaultdict[Series, float] = defaultdict(float)
        self._filled = Event()
        self._thread: Thread | None = None
        self._written_key = f"{KEY}:written:{uuid4().hex}"
        self._batches_written = 0
        self._unsure: Mapping[Series, float] = {}

    def add(self, series: Series, amount: float) -> None:
        with self._lock:
            self._amounts[series] += amount
            self._filled.set()
            if self._thread is None:
                self._thread = Thread(target=self._write_on, name="measures", daemon=True)
                with suppress(RuntimeError):  # the interpreter is shutting down, and flushes at its end
                    self._thread.start()

    def flush(self) -> None:
        with self._writing:  # who flushes last before the end waits for the write that is under way
            try:
                self._write_unsure()
                self._unsure = self._take()
                self._write_unsure()
            except (RedisError, OSError, SettingsError):  # kept for the next time; /readyz tells of Redis's absence
                self._filled.set()

    def _write_unsure(self) -> None:
        """Write what is not known to be written, if there is anything, under the number of its first try."""
        if self._unsure:
            _write(self._written_key, self._batches_written + 1, self._unsure)
            self._unsure = {}
            self._batches_written += 1

    def _take(self) -> Mapping[Series, float]:
        with self._lock:
            amounts, self._amounts = self._amounts, defaultdict(float)
            self._filled.clear()
        return amounts

    def _write_on(self) -> None:
        pause = Event()
        while self._filled.wait():
            pause.wait(FLUSH_SECONDS)
            self.flush()


def _write(written_key: str, number: int, amounts: Mapping[Series, float]) -> None:
    steps: list[str | float] = []
    for series, amount in amounts.items():
        steps += ["HINCRBYFLOAT" if series.part == "sum" else "HINCRBY", series.field()]
        steps.append(amount if series.part == "sum" else int(amount))
    jobs_redis().eval(_WRITE, 2, KEY, written_key, number, WRITTEN_SECONDS, *steps)  # Redis's EVAL, not Python's


_gathered = _Gathered()


def _start_anew() -> None:
    """A forked child begins with nothing: what its parent gathered, the parent writes."""
    global _gathered  # noqa: PLW0603  # one table per process is the point
    _gathered = _Gathered()


os.register_at_fork(after_in_child=_start_anew)
atexit.register(flush)
