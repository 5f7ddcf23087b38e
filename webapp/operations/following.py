"""Where a run stands, once or live: for the API and for the page of the run alike."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response

from jobs.runtime import browse, runs
from jobs.runtime.browse import Standing
from jobs.runtime.models import JobRun
from webapp.core import clock
from webapp.core.errors import NotFound
from webapp.core.words import say
from webapp.operations import live
from webapp.operations.schemas import TaskProgressOut, TaskStateOut

_OVER = frozenset({Standing.SUCCEEDED, Standing.DEAD, Standing.CANCELLED})


def find(run_id: UUID) -> JobRun:
    """Return the run with this id; raises NotFound."""
    run = browse.find(run_id)
    if run is None:
        raise NotFound(say("There is no such job; finished ones are kept for some days only."))
    return run


def state_of(run: JobRun) -> TaskStateOut:
    """Return where a run stands and how far it is."""
    return TaskStateOut(
        id=run.id,
        state=browse.standing_of(run, clock.now()),
        attempt=run.attempt,
        progress=TaskProgressOut.of(runs.progress_of([run.id]).get(run.id)),
        finished_at=run.finished_at,
    )


def stream(task_id: UUID) -> Response:
    """Answer with the states of a run, live; raises NotFound and TooManyStreams."""
    find(task_id)
    return live.stream(lambda: _seen(task_id), is_over=lambda seen: seen["state"] in _OVER)


def _seen(run_id: UUID) -> dict[str, Any] | None:
    run = browse.find(run_id)
    return state_of(run).model_dump(mode="json") if run else None
