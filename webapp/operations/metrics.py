"""What Prometheus is told: the counts of all processes, and the state of queues, workers and scheduler right now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import accumulate

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from redis import Redis

from jobs.runtime.carrier import DEAD_LETTER, SCHEDULED_KEY, queue_name
from webapp.core import measures
from webapp.core.breakers import breaker_states
from webapp.core.settings import LANES, QUEUES
from webapp.operations import cache_figures, queries

PREFIX = "almanac_"

_CACHE = {
    "cache_memory_bytes": ("memory_bytes", "Memory that the cache's Redis uses."),
    "cache_memory_limit_bytes": ("memory_limit_bytes", "Memory that it may use; 0 for any amount."),
    "cache_keys": ("keys", "Keys that it holds."),
    "cache_evicted_keys": ("evicted", "Keys that it has thrown away for want of memory since it was started."),
    "cache_hit_ratio": ("hit_ratio", "Share of the open times asked for that were found in it, in the last hour."),
}

Labels = tuple[str, ...]
Numbers = Mapping[str, Mapping[Labels, Mapping[str, float]]]


def exposition(*, redis: Redis) -> bytes:
    """Return all metrics in Prometheus's text format; raises RedisError when Redis is away."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(redis))
    return generate_latest(registry)


class _Collector(Collector):
    """Reads Redis once for each scrape; nothing is kept between two."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def describe(self) -> list[Metric]:
        """Name nothing beforehand, so that registering reads nothing."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield every metric; raises RedisError when Redis is away."""
        numbers = _numbers()
        yield from _counters(numbers)
        yield from _histograms(numbers)
        yield from _gauges(numbers)
        yield from _queues(self._redis)
        yield from _processes(self._redis)
        yield _breakers(self._redis)
        yield from _cache(self._redis)


def _numbers() -> Numbers:
    """Return the counts by measure, label values and part."""
    numbers: defaultdict[str, defaultdict[Labels, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    for series, value in measures.read_all():
        numbers[series.name][series.values][series.part] = value
    return numbers


def _counters(numbers: Numbers) -> Iterator[Metric]:
    for name, counter in measures.COUNTERS.items():
        family = CounterMetricFamily(PREFIX + name, counter.help, labels=counter.labels)
        for values, parts in _of(numbers, name, counter.labels):
            family.add_metric(values, parts["count"])
        yield family


def _histograms(numbers: Numbers) -> Iterator[Metric]:
    for name, histogram in measures.HISTOGRAMS.items():
        family = HistogramMetricFamily(PREFIX + name, histogram.help, labels=histogram.labels)
        limits = [str(float(bound)) for bound in histogram.bounds]
        for values, parts in _of(numbers, name, histogram.labels):
            upto = accumulate(parts.get(str(index), 0.0) for index in range(len(limits)))
            buckets = [*zip(limits, upto, strict=True), ("+Inf", parts["count"])]
            family.add_metric(values, buckets=buckets, sum_value=parts.get("sum", 0.0))
        yield family


def _gauges(numbers: Numbers) -> Iterator[Metric]:
    for name, gauge in measures.GAUGES.items():
        family = GaugeMetricFamily(PREFIX + name, gauge.help, labels=gauge.labels)
        for values, parts in _of(numbers, name, gauge.labels, needed="value"):
            family.add_metric(values, parts["value"])
        yield family


def _of(
    numbers: Numbers, name: str, labels: Labels, *, needed: str = "count"
) -> Iterator[tuple[Labels, Mapping[str, float]]]:
    """Yield the numbers of one measure, without those that an earlier release wrote with other labels."""
    for values, parts in sorted(numbers.get(name, {}).items()):
        if len(values) == len(labels) and needed in parts:
            yield values, parts


def _queues(redis: Redis) -> Iterator[Metric]:
    waiting = GaugeMetricFamily(PREFIX + "queue_jobs", "Jobs that wait for a worker.", labels=["queue", "lane"])
    oldest = GaugeMetricFamily(
        PREFIX + "queue_oldest_seconds", "For how long the first job of the queue has waited.", labels=["queue", "lane"]
    )
    lanes = {queue_name(queue, lane): (queue, lane) for queue in QUEUES for lane in LANES}
    for state in queries.queue_states(list(lanes), redis=redis):
        waiting.add_metric(lanes[state.name], state.waiting)
        oldest.add_metric(lanes[state.name], state.oldest_seconds)
    yield waiting
    yield oldest


def _breakers(redis: Redis) -> Metric:
    is_open = GaugeMetricFamily(PREFIX + "breaker_open", "1 while a provider is left alone.", labels=["breaker"])
    for state in breaker_states(redis):
        is_open.add_metric([state.name], float(state.is_open))
    return is_open


def _cache(redis: Redis) -> Iterator[Metric]:
    """Yield the cache's figures as they were when they were last taken."""
    figures = cache_figures.recorded(jobs=redis)
    for name, (figure, text) in _CACHE.items():
        yield GaugeMetricFamily(PREFIX + name, text, value=figures.get(figure))


def _processes(redis: Redis) -> Iterator[Metric]:
    workers = queries.live_workers(redis=redis)
    busy = sum(1 for worker in workers if worker.state == "busy")
    leads = queries.scheduler_leader(redis=redis) is not None
    [dead] = queries.queue_states([DEAD_LETTER], redis=redis)
    yield GaugeMetricFamily(PREFIX + "workers", "Workers that are alive.", value=len(workers))
    yield GaugeMetricFamily(PREFIX + "workers_busy", "Workers that are at work on a job.", value=busy)
    yield GaugeMetricFamily(PREFIX + "scheduler_leader", "1 while a scheduler leads, otherwise 0.", value=float(leads))
    yield GaugeMetricFamily(
        PREFIX + "scheduled_jobs", "Jobs that are to run later.", value=queries.size_of_set(SCHEDULED_KEY, redis=redis)
    )
    yield GaugeMetricFamily(PREFIX + "dead_letters", "Jobs given up in the last 24 hours.", value=dead.waiting)
