"""The background jobs, for programs that look after them."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint

from jobs.console import By, revoke_run
from jobs.runtime import browse, runs, schedules
from jobs.runtime.browse import Standing
from jobs.runtime.carrier import lanes
from webapp.core.db import db, transaction
from webapp.core.pagination import Cursor
from webapp.core.redis import jobs_redis
from webapp.identity.access import current_member, token_required
from webapp.identity.models import Scope
from webapp.operations import alerts, following, live, queries, samples
from webapp.operations.access import operators_token
from webapp.operations.health import check_health
from webapp.operations.models import Via
from webapp.operations.schemas import (
    ActiveTasksOut,
    AlertOut,
    PeriodicTaskOut,
    QueueOut,
    RevokedOut,
    ScheduledTasksOut,
    TaskDetailOut,
    TaskHealthOut,
    TaskOut,
    TaskStateOut,
    TaskStatsOut,
)
from webapp.web.extensions import csrf
from webapp.web.openapi import endpoint
from webapp.web.pagination import PageQuery

blueprint = Blueprint("tasks_api", __name__, url_prefix="/api/v1/tasks")
csrf.exempt(blueprint)

_TAG = "Background jobs"


@blueprint.get("/stats")
@token_required(Scope.JOBS_READ)
@operators_token
@endpoint(answers=TaskStatsOut, tag=_TAG, needs_token=True)
def task_stats() -> TaskStatsOut:
    """The background jobs in numbers: what waits, runs and has failed, the workers, and the counts since the start."""
    tally = browse.tally()
    workers = queries.live_workers(redis=jobs_redis())
    return TaskStatsOut(
        queued=tally[Standing.QUEUED],
        scheduled=tally[Standing.SCHEDULED],
        running=tally[Standing.RUNNING],
        dead_24h=tally[Standing.DEAD],
        workers=len(workers),
        workers_busy=sum(worker.state == "busy" for worker in workers),
        queues=[QueueOut.of(state) for state in queries.whole_queues(lanes(), redis=jobs_redis())],
        totals=samples.job_totals(),
    )


@blueprint.get("/active")
@token_required(Scope.JOBS_READ)
@operators_token
@endpoint(answers=ActiveTasksOut, tag=_TAG, needs_token=True)
def active_tasks() -> ActiveTasksOut:
    """What is being worked on now, with the worker and how far it is."""
    running = browse.running()
    progress = runs.progress_of([run.id for run in running])
    return ActiveTasksOut(items=[TaskOut.of(run, progress.get(run.id)) for run in running])


@blueprint.get("/scheduled")
@token_required(Scope.JOBS_READ)
@operators_token
@endpoint(answers=ScheduledTasksOut, query=PageQuery, tag=_TAG, needs_token=True)
def scheduled_tasks(query: PageQuery) -> ScheduledTasksOut:
    """What is to run later, the soonest first, and when each periodic job runs next."""
    found = browse.scheduled(after=query.after, limit=query.limit + 1)
    page = found[: query.limit]
    more = len(found) > query.limit
    return ScheduledTasksOut(
        items=[TaskOut.of(run) for run in page],
        next_cursor=Cursor(page[-1].run_at, page[-1].id).encode() if more else None,
        periodic=[
            PeriodicTaskOut(
                name=entry.name,
                job=entry.job,
                cron=entry.cron,
                timezone=entry.timezone,
                next_run_at=schedules.next_tick(entry),
            )
            for entry in schedules.all_schedules()
            if entry.is_listed
        ],
    )


@blueprint.get("/health")
@token_required(Scope.JOBS_READ)
@operators_token
@endpoint(answers=TaskHealthOut, tag=_TAG, needs_token=True)
def task_health() -> TaskHealthOut:
    """Whether database, Redis, workers and scheduler are there, and which alerts are open. Always 200; see `status`."""
    health = check_health(engine=db.engine, redis=jobs_redis())
    wrong = alerts.open_alerts()
    return TaskHealthOut(
        status="degraded" if health.missing or wrong else "healthy",
        checks=dict(health.checks),
        alerts=[AlertOut.of(alert) for alert in wrong],
    )


@blueprint.get("/task/<uuid:task_id>")
@token_required(Scope.JOBS_READ)
@operators_token
@endpoint(answers=TaskDetailOut, problems=(404,), tag=_TAG, needs_token=True)
def task(task_id: UUID) -> TaskDetailOut:
    """All about one job: where it stands, what it was given, what it returned, and why attempts failed.

    Jobs declared with `durable=False` have no row and are not found here.
    """
    run = following.find(task_id)
    return TaskDetailOut.of_run(run, runs.progress_of([task_id]).get(task_id))


@blueprint.get("/task/<uuid:task_id>/events")
@token_required(Scope.JOBS_READ)
@operators_token
@live.streamed(following.stream)
@endpoint(answers=TaskStateOut, problems=(404,), tag=_TAG, needs_token=True)
def task_events(task_id: UUID) -> TaskStateOut:
    """Where a job stands and how far it is, for those who ask often.

    With `Accept: text/event-stream` the answer is a stream of server-sent events: one of the kind `state`, with this
    very JSON as its data, at each change; it ends with the job or after a minute, then connect again. 429
    `too_many_streams` when all places are taken: ask for JSON every two seconds instead.
    """
    return following.state_of(following.find(task_id))


@blueprint.post("/task/<uuid:task_id>/revoke")
@token_required(Scope.JOBS_WRITE)
@operators_token
@endpoint(answers=RevokedOut, problems=(404, 409), tag=_TAG, needs_token=True)
def revoke_task(task_id: UUID) -> RevokedOut:
    """Have a job not run, or stop it if it is under way; 409 when it has ended already."""
    with transaction():
        outcome = revoke_run(task_id, by=By(member=current_member(), via=Via.API))
    return RevokedOut.of(task_id, outcome)
