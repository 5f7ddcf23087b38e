"""The console's first page, and what works on the jobs: queues, workers, limits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from jobs import console
from jobs.console import By
from jobs.runtime import browse, carrier, registry
from webapp.core import breakers, clock
from webapp.core.redis import jobs_redis
from webapp.operations import alerts, queries, samples
from webapp.operations.access import operators_only
from webapp.operations.charts import Chart, Point, chart
from webapp.operations.queries import QueueState
from webapp.operations.samples import Interval, Work
from webapp.operations.views.frame import change, console_pages, page

blueprint = console_pages("jobs_overview")

_SPAN = timedelta(hours=1)
_STEP = timedelta(minutes=2)


@dataclass(frozen=True, kw_only=True)
class QueueCard:
    """A queue now and in the last hour: attempts a minute, seconds that 95 of 100 waited and took, jobs that waited."""

    state: QueueState
    rate: Chart
    wait: Chart
    run: Chart
    depth: Chart


@blueprint.get("")
def overview() -> str:
    """Show the queues with their last hour, and what is wrong."""
    hour = samples.intervals(since=_SPAN, every=_STEP)
    workers = queries.live_workers(redis=jobs_redis())
    return page(
        "overview",
        tally=browse.tally(),
        workers=len(workers),
        busy=sum(worker.state == "busy" for worker in workers),
        leader=queries.scheduler_leader(redis=jobs_redis()),
        open_alerts=alerts.open_alerts(),
        hour=samples.totals(work for interval in hour for work in interval.queues.values()),
        cards=[_card(state, hour) for state in queries.whole_queues(carrier.lanes(), redis=jobs_redis())],
    )


@blueprint.get("/workers")
def workers() -> str:
    """Show who works, on what, and which scheduler leads."""
    alive = queries.live_workers(redis=jobs_redis())
    return page("workers", workers=alive, leader=queries.scheduler_leader(redis=jobs_redis()))


@blueprint.get("/limits")
def limits() -> str:
    """Show which jobs are limited, how they stand, and which providers are being left alone."""
    limited = [job for job in registry.all_jobs() if job.options.limits]
    return page("limits", jobs=limited, held=browse.held_by_name(), breakers=breakers.breaker_states(jobs_redis()))


@blueprint.post("/limits/<name>/close")
@operators_only
def close_breaker(name: str) -> ResponseReturnValue:
    """Have a provider that is left alone called again at once."""

    def make(by: By) -> str:
        console.close_breaker(name, by=by)
        return str(_("%(name)s is called again with the next job.", name=name))

    return change(make, back=url_for("jobs_overview.limits"))


def _card(state: QueueState, hour: Sequence[Interval]) -> QueueCard:
    end = clock.now()

    def drawn(value: Callable[[Interval, Work], float | None]) -> Chart:
        points: list[Point] = [(one.end, value(one, one.queues.get(state.name, Work()))) for one in hour]
        return chart(points, start=end - _SPAN, end=end)

    return QueueCard(
        state=state,
        rate=drawn(lambda interval, work: work.ended / interval.minutes),
        wait=drawn(lambda _interval, work: samples.percentile(work.wait, 0.95)),
        run=drawn(lambda _interval, work: samples.percentile(work.run, 0.95)),
        depth=drawn(lambda interval, _work: float(interval.depth.get(state.name, 0))),
    )
