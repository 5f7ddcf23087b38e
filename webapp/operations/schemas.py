"""What programs are told about the background jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from jobs.runtime import Revocation, browse, current
from jobs.runtime.browse import Standing
from jobs.runtime.models import JobAttempt, JobRun, Outcome
from jobs.runtime.runs import Progress
from webapp.core import clock
from webapp.core.logs import without_secrets
from webapp.operations.models import Alert, AlertKind
from webapp.operations.queries import QueueState
from webapp.web.openapi import Out


class TaskProgressOut(Out):
    """How far a job says it is."""

    done: int
    total: int
    note: str

    @classmethod
    def of(cls, progress: Progress | None) -> TaskProgressOut | None:
        """Return `progress` as programs see it."""
        return cls(done=progress.done, total=progress.total, note=progress.note) if progress else None


class TaskOut(Out):
    """A job in a list. Times are in UTC."""

    id: UUID
    name: str
    queue: str
    lane: str
    state: Standing
    attempt: int
    run_at: datetime
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    worker: str | None
    progress: TaskProgressOut | None

    @classmethod
    def of(cls, run: Any, progress: Progress | None = None) -> TaskOut:
        """Return a run, as a row or as a list has it."""
        return cls(**_common(run, progress))


class TaskAttemptOut(Out):
    """An attempt that did not succeed."""

    attempt: int
    outcome: Outcome
    worker: str | None
    started_at: datetime | None
    ended_at: datetime
    error_type: str
    error: str

    @classmethod
    def of(cls, attempt: JobAttempt) -> TaskAttemptOut:
        """Return an attempt, its error without what looks like a secret."""
        names = ("attempt", "outcome", "worker", "started_at", "ended_at", "error_type")
        return cls(**{name: getattr(attempt, name) for name in names}, error=without_secrets(attempt.error))


class TaskDetailOut(TaskOut):
    """All about one job. Secrets among the arguments are hidden; `result` is kept for an hour unless the job says."""

    arguments: dict[str, Any]
    result: Any
    error: str | None
    failures: int
    interruptions: int
    parent_id: UUID | None
    canvas_id: UUID | None
    revoked_by: str | None
    attempts: list[TaskAttemptOut]

    @classmethod
    def of_run(cls, run: JobRun, progress: Progress | None) -> TaskDetailOut:
        """Return a run with its attempts."""
        names = ("failures", "interruptions", "parent_id", "canvas_id", "revoked_by")
        return cls(
            **_common(run, progress),
            **{name: getattr(run, name) for name in names},
            arguments=browse.shown_arguments(run),
            result=without_secrets(current.unwrap(run.result)),
            error=without_secrets(run.error),
            attempts=[TaskAttemptOut.of(attempt) for attempt in browse.attempts(run.id)],
        )


class TaskStateOut(Out):
    """Where a job stands; small, for those who ask often."""

    id: UUID
    state: Standing
    attempt: int
    progress: TaskProgressOut | None
    finished_at: datetime | None


class ActiveTasksOut(Out):
    """What is being worked on, the longest running first; 100 at most."""

    items: list[TaskOut]


class PeriodicTaskOut(Out):
    """A periodic job and when it runs next; never, while it is paused."""

    name: str
    job: str
    cron: str
    timezone: str
    next_run_at: datetime | None


class ScheduledTasksOut(Out):
    """One page of what is to run later, the soonest first, and every periodic job."""

    items: list[TaskOut]
    next_cursor: str | None
    periodic: list[PeriodicTaskOut]


class QueueOut(Out):
    """A queue, its lanes together."""

    name: str
    waiting: int
    oldest_seconds: float

    @classmethod
    def of(cls, state: QueueState) -> QueueOut:
        """Return a queue as it is now."""
        return cls(name=state.name, waiting=state.waiting, oldest_seconds=state.oldest_seconds)


class TaskStatsOut(Out):
    """The background jobs in numbers.

    `queued` to `dead_24h` are counted now; `totals` since the counters began, over all processes.
    """

    queued: int
    scheduled: int
    running: int
    dead_24h: int
    workers: int
    workers_busy: int
    queues: list[QueueOut]
    totals: dict[str, int]


class AlertOut(Out):
    """Something that is beyond its limit; seconds, a share of 1, or a number of jobs."""

    kind: AlertKind
    subject: str
    value: float
    limit: float
    raised_at: datetime

    @classmethod
    def of(cls, alert: Alert) -> AlertOut:
        """Return an alert."""
        return cls(
            kind=alert.kind,
            subject=alert.subject,
            value=alert.value,
            limit=alert.limit_value,
            raised_at=alert.raised_at,
        )


class TaskHealthOut(Out):
    """Whether all that the jobs need is there (`checks`, "ok" or what is wrong), and the open alerts."""

    status: Literal["healthy", "degraded"]
    checks: dict[str, str]
    alerts: list[AlertOut]


class RevokedOut(Out):
    """What came of revoking: a job that waited is cancelled, one under way is told to stop and ends within seconds."""

    id: UUID
    outcome: Literal["cancelled", "stopping"]

    @classmethod
    def of(cls, task_id: UUID, outcome: Revocation) -> RevokedOut:
        """Return what came of revoking a job that had not ended."""
        return cls(id=task_id, outcome="stopping" if outcome is Revocation.STOPPING else "cancelled")


def _common(run: Any, progress: Progress | None) -> dict[str, Any]:
    names = ("id", "name", "queue", "lane", "attempt", "run_at", "created_at", "started_at", "finished_at", "worker")
    return {
        **{name: getattr(run, name) for name in names},
        "state": browse.standing_of(run, clock.now()),
        "progress": TaskProgressOut.of(progress),
    }
