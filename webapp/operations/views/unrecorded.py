"""Jobs that leave no row, and so have no page for each run: how they do, and what failed last."""

from __future__ import annotations

from datetime import timedelta

from jobs import watching
from jobs.runtime import registry, unrecorded
from webapp.core import clock
from webapp.core.redis import jobs_redis
from webapp.operations import samples
from webapp.operations.samples import Work
from webapp.operations.views.frame import console_pages, page

blueprint = console_pages("jobs_unrecorded", "/unrecorded")

_SPAN = timedelta(hours=1)
_MOST_SHOWN = 50


@blueprint.get("")
def index() -> str:
    """Show the jobs declared with `durable=False` with their last hour, and the last errors."""
    declared = [job for job in registry.all_jobs() if not job.options.durable]
    work = samples.work_by_job(samples.before(clock.now() - _SPAN), watching.take_sample(redis=jobs_redis()))
    return page(
        "unrecorded",
        jobs=[(job, work.get(job.name, Work())) for job in declared],
        failed=unrecorded.failed_runs(jobs_redis(), limit=_MOST_SHOWN),
        percentile=samples.percentile,
    )
