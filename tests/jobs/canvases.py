"""Looking at canvases, and letting them run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select

from jobs.runtime import (
    dead_letters,
    execute,
    runs,
)
from jobs.runtime.current import unwrap
from jobs.runtime.models import CanvasState, JobRun, RunState
from jobs.runtime.runs import CanvasView
from tests.jobs.test_running_jobs import work
from webapp.core.db import session, transaction

STATES = CanvasState


def view(canvas_id: UUID) -> CanvasView:
    with transaction():
        found = runs.canvas(canvas_id)
    assert found is not None
    return found


def counts(canvas: CanvasView) -> tuple[CanvasState, int, int, int]:
    return canvas.state, canvas.done, canvas.failed, canvas.cancelled


def members(canvas_id: UUID) -> Sequence[JobRun]:
    with transaction():
        return runs.members(canvas_id)


def result(run: JobRun) -> Any:
    return unwrap(run.result)


def started() -> list[str]:
    """What was run, in the order in which it ended."""
    with transaction():
        query = select(JobRun.name).where(JobRun.finished_at.is_not(None), JobRun.attempt > 0)
        return [name.rpartition(".")[2] for name in session().scalars(query.order_by(JobRun.finished_at, JobRun.id))]


def replay(run_id: UUID) -> None:
    with transaction():
        dead_letters.replay(run_id)
    execute.run(run_id)
    work()


def run_one() -> None:
    with transaction():
        waiting = session().scalars(select(JobRun.id).filter_by(state=RunState.WAITING).order_by(JobRun.id)).first()
    assert waiting is not None
    execute.run(waiting)


def run(canvas_id: UUID) -> UUID:
    work()
    return canvas_id
