"""Workers are killed at any statement while canvases run: each goes on where it was, and each step follows once."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import func, select

from jobs.runtime import RESULT, chain, chord, group, reconcile, runs
from jobs.runtime.canvas import Canvas
from jobs.runtime.current import unwrap
from jobs.runtime.models import CanvasState, JobCanvas, JobRun
from tests.jobs import flows, sample
from tests.jobs.workers import Worker, eventually
from webapp.core.db import session, transaction
from webapp.core.redis import jobs_redis

pytestmark = pytest.mark.usefixtures("effects")

KILLS = 8
CANVASES = 8


def canvas(number: int) -> Canvas:
    """Ten steps, whose callback gets 1 + 2 + 3 + 3 and adds one, each leaving a mark of its own."""
    first = flows.count_up.s(0, f"{number} first")
    inner = chain(*(flows.count_up.s(RESULT, f"{number} inner {step}") for step in (1, 2)))
    wide = group(*(flows.count_up.s(RESULT, f"{number} wide {member}") for member in range(4)), inner)
    return chain(first, chord(wide, flows.total_only.s(RESULT)), flows.count_up.s(RESULT, f"{number} last"))


def ended(ids: list[UUID]) -> int:
    with transaction():
        return (
            session()
            .scalars(
                select(func.count())
                .select_from(JobCanvas)
                .where(JobCanvas.id.in_(ids), JobCanvas.finished_at.is_not(None))
            )
            .one()
        )


def results(canvas_id: UUID) -> list[object]:
    with transaction():
        return [unwrap(run.result) for run in runs.members(canvas_id)]


def test_each_step_follows_once_however_often_workers_are_killed(tmp_path: Path) -> None:
    jobs_redis().set(flows.KILLS, KILLS)
    ids = [canvas(number).start() for number in range(CANVASES)]
    reconciler = reconcile.Reconciler(jobs_redis())

    def are_over() -> bool:
        reconciler.run()
        return ended(ids) == CANVASES

    with Worker(tmp_path, processes=2, FLASK_APP="tests.jobs.flows_app:app", LEASE_SECONDS="2"):
        eventually(are_over, seconds=90)
    assert int(jobs_redis().get(flows.KILLS)) <= 0, "as many were killed as should be"  # type: ignore[arg-type]  # the asynchronous client's type
    with transaction():
        states = set(session().scalars(select(JobCanvas.state)))
        twice = session().execute(
            select(JobRun.canvas_id).group_by(JobRun.canvas_id, JobRun.position).having(func.count() > 1)
        )
        assert states == {CanvasState.SUCCEEDED}
        assert twice.all() == [], "no step was handed over to twice"
    assert {tuple(results(canvas_id)) for canvas_id in ids} == {(1, 12)}
    assert set(sample.marks().values()) == {1}
    assert len(sample.marks()) == 8 * len(ids)
