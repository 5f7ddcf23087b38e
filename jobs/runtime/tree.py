"""Every statement on the rows of canvases, and on runs as their members."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy import Row, and_, delete, func, literal, or_, select, true, update
from sqlalchemy.orm import InstrumentedAttribute, aliased

from jobs.runtime import registry
from jobs.runtime.carrier import Carried
from jobs.runtime.deliver import CARRIED
from jobs.runtime.models import CanvasKind, CanvasState, JobCanvas, JobRun, RunState
from webapp.core.db import session

OPEN = (CanvasState.RUNNING, CanvasState.STOPPING, CanvasState.COMPENSATING)
# Canvases at a time, each with all its runs; results at a time.
PURGE_BATCH = 20
CLEAR_BATCH = 1000

_INSERT = """
    INSERT INTO job_run (id, name, queue, lane, arguments, state, run_at, parent_id, trace, canvas_id, position, step,
                         rate_key, slot_key)
    SELECT id, name, queue, lane, arguments, 'waiting', run_at, parent, trace, canvas, position, step,
           rate_key, slot_key
    FROM unnest(%(id)s::uuid[], %(name)s::text[], %(queue)s::text[], %(lane)s::text[], %(arguments)s::jsonb[],
                %(run_at)s::timestamptz[], %(parent)s::uuid[], %(trace)s::text[], %(canvas)s::uuid[],
                %(position)s::int[], %(step)s::jsonb[], %(rate_key)s::text[], %(slot_key)s::text[])
      AS new (id, name, queue, lane, arguments, run_at, parent, trace, canvas, position, step, rate_key, slot_key)
"""


def lock(canvas_id: UUID) -> JobCanvas | None:
    """Hold the canvas that the node `canvas_id` is in until the caller's transaction ends; return the node as it is.

    All changes of a canvas are made one after the other, so whoever holds it may look at it and change it at leisure.
    None when there is no such node.
    """
    root = select(JobCanvas.root_id).where(JobCanvas.id == canvas_id).scalar_subquery()
    query = select(JobCanvas).where(JobCanvas.id == root).with_for_update(key_share=True)
    held = session().scalar(query.execution_options(populate_existing=True))
    return held if held is None or held.id == canvas_id else node(canvas_id)


def node(canvas_id: UUID) -> JobCanvas:
    """Return the node with this id as the database has it now."""
    return session().get_one(JobCanvas, canvas_id, populate_existing=True)


def planned(canvas: JobCanvas, position: int) -> dict[str, Any]:
    """Return one of the steps that are begun one after the other."""
    plan: InstrumentedAttribute[Any] = JobCanvas.plan
    step: dict[str, Any] = session().scalars(select(plan[position]).where(JobCanvas.id == canvas.id)).one()
    return step


def find(canvas_id: UUID) -> JobCanvas | None:
    """Return the node with this id as the database has it now, None when there is none."""
    return session().get(JobCanvas, canvas_id, populate_existing=True)


def members(canvas_id: UUID, *, after: int, limit: int) -> Sequence[JobRun]:
    """Return runs of a node by their position, from behind the position `after`."""
    query = select(JobRun).where(JobRun.canvas_id == canvas_id, JobRun.position > after)
    return session().scalars(query.order_by(JobRun.position).limit(limit)).all()


def steps(root_id: UUID, *, after: UUID | None, limit: int) -> Sequence[JobRun]:
    """Return runs of a whole canvas, at any depth, in the order in which they were begun, from behind `after`."""
    query = select(JobRun).join(JobCanvas, JobCanvas.id == JobRun.canvas_id).where(JobCanvas.root_id == root_id)
    if after is not None:
        query = query.where(JobRun.id > after)
    return session().scalars(query.order_by(JobRun.id).limit(limit)).all()


def insert(runs: Sequence[tuple[Carried, dict[str, Any]]]) -> None:
    """Write the runs of steps, each with its `name`, `parent`, `trace`, `canvas`, `position` and `step`."""
    keys = [registry.limit_keys_of(more["name"], run.arguments) for run, more in runs]
    columns = {
        "id": [run.id for run, _ in runs],
        "queue": [run.queue for run, _ in runs],
        "lane": [run.lane for run, _ in runs],
        "arguments": [Jsonb(run.arguments) for run, _ in runs],
        "run_at": [run.run_at for run, _ in runs],
        "step": [Jsonb(more["step"]) if more["step"] else None for _, more in runs],
        "rate_key": [key.rate for key in keys],
        "slot_key": [key.slot for key in keys],
        **{key: [more[key] for _, more in runs] for key in ("name", "parent", "trace", "canvas", "position")},
    }
    session().connection().exec_driver_sql(_INSERT, columns)


def below(canvas: JobCanvas, *, states: Iterable[CanvasState] | None = None) -> list[JobCanvas]:
    """Return the nodes under `canvas`, the deepest first; with `states` only those reached through nodes in these."""
    condition = JobCanvas.state.in_(states) if states is not None else true()
    start = select(JobCanvas.id, literal(1).label("depth")).where(JobCanvas.parent_id == canvas.id, condition)
    tree = start.cte("tree", recursive=True)
    deeper = select(JobCanvas.id, tree.c.depth + 1).where(JobCanvas.parent_id == tree.c.id, condition)
    tree = tree.union_all(deeper)
    query = select(JobCanvas).join(tree, tree.c.id == JobCanvas.id).order_by(tree.c.depth.desc(), JobCanvas.position)
    return list(session().scalars(query.execution_options(populate_existing=True)))


def cancel_waiting(canvas_ids: Sequence[UUID], *, reason: str) -> list[Row[Any]]:
    """Cancel the runs of these nodes that wait; return (id, canvas_id, name, queue, slot_key, is_held) of each.

    Those that somebody is just changing are left out: whoever takes them sees that their canvas has stopped.
    """
    waiting = select(JobRun.id).where(JobRun.canvas_id.in_(canvas_ids), JobRun.state == RunState.WAITING)
    return list(
        session().execute(
            update(JobRun)
            .where(JobRun.id.in_(waiting.with_for_update(skip_locked=True)))
            .values(state=RunState.CANCELLED, finished_at=func.now(), error=reason)
            .returning(JobRun.id, JobRun.canvas_id, JobRun.name, JobRun.queue, JobRun.slot_key, JobRun.is_held)
            .execution_options(synchronize_session=False)
        )
    )


def revive_cancelled(canvas: JobCanvas) -> list[Row[Any]]:
    """Have those runs of the node wait again that were cancelled, but by nobody; return them as `store.waiting`."""
    return list(
        session().execute(
            update(JobRun)
            .where(JobRun.canvas_id == canvas.id, JobRun.state == RunState.CANCELLED, JobRun.revoked_by.is_(None))
            .values(state=RunState.WAITING, run_at=func.now(), finished_at=None, error=None)
            .returning(*CARRIED)
            .execution_options(synchronize_session=False)
        )
    )


def revoke_running(canvas_ids: Sequence[UUID], *, by: str, skip_locked: bool) -> list[UUID]:
    """Note on the runs of these nodes that are under way that they are to stop; return their ids.

    Whoever holds the canvas may not wait for runs (`skip_locked`): those who end a run wait for the canvas.
    """
    running = select(JobRun.id).where(JobRun.canvas_id.in_(canvas_ids), JobRun.state == RunState.RUNNING)
    return list(
        session().scalars(
            update(JobRun)
            .where(JobRun.id.in_(running.order_by(JobRun.id).with_for_update(skip_locked=skip_locked)))
            .values(revoked_by=by)
            .returning(JobRun.id)
            .execution_options(synchronize_session=False)
        )
    )


def take_undoings(canvas_ids: Sequence[UUID]) -> list[dict[str, Any]]:
    """Return what undoes the finished steps of these nodes, the last one first, each with the run it is `of`.

    Nothing is undone twice: the steps forget what undoes them.
    """
    what: InstrumentedAttribute[Any] = JobRun.step
    undone = and_(JobRun.canvas_id.in_(canvas_ids), JobRun.state == RunState.SUCCEEDED, what.has_key("undo"))
    rows = session().execute(
        select(JobRun.id, what["undo"]).where(undone).order_by(JobRun.finished_at.desc(), JobRun.id.desc())
    )
    steps = [{**undo, "of": str(run_id)} for run_id, undo in rows]
    session().execute(
        update(JobRun).where(undone).values(step=what.op("-")("undo")).execution_options(synchronize_session=False)
    )
    return steps


def member(run_id: UUID) -> tuple[int, UUID | None, JobCanvas]:
    """Return (position, parent_id, node) of a run that is a member of a canvas."""
    query = select(JobRun.position, JobRun.parent_id, JobCanvas).join(JobCanvas, JobCanvas.id == JobRun.canvas_id)
    found = session().execute(query.where(JobRun.id == run_id).execution_options(populate_existing=True)).one()
    return found.position, found.parent_id, found.JobCanvas


def result_of(run_id: UUID | None) -> dict[str, Any] | None:
    """Return what is kept of the result of a run, None when there is none."""
    return session().scalar(select(JobRun.result).where(JobRun.id == run_id))


def results(canvas_ids: Sequence[UUID], *, position: int | None = None) -> dict[tuple[UUID, int], Any]:
    """Return what is kept of the results of these nodes' runs, by node and position."""
    query = select(JobRun.canvas_id, JobRun.position, JobRun.result).where(
        JobRun.canvas_id.in_(canvas_ids), JobRun.result.is_not(None)
    )
    if position is not None:
        query = query.where(JobRun.position == position)
    return {(row.canvas_id, row.position): row.result for row in session().execute(query)}


def child_at(canvas: JobCanvas, position: int) -> JobCanvas | None:
    """Return the node at `position` of `canvas`, None when a run stands there."""
    return session().scalar(
        select(JobCanvas)
        .where(JobCanvas.parent_id == canvas.id, JobCanvas.position == position)
        .where(JobCanvas.kind != CanvasKind.COMPENSATION)
    )


def compensation_of(canvas: JobCanvas) -> JobCanvas | None:
    """Return the node in which the work of `canvas` is undone, None when it never was."""
    return session().scalar(
        select(JobCanvas).where(JobCanvas.parent_id == canvas.id, JobCanvas.kind == CanvasKind.COMPENSATION)
    )


def cancelled_children(canvas: JobCanvas) -> list[JobCanvas]:
    """Return the nodes of `canvas` that were cancelled along with it, not because somebody revoked a step of theirs."""
    revoked = select(JobRun.id).where(JobRun.canvas_id == JobCanvas.id, JobRun.revoked_by.is_not(None))
    query = select(JobCanvas).where(
        JobCanvas.parent_id == canvas.id, JobCanvas.state == CanvasState.CANCELLED, JobCanvas.revoked_by.is_(None)
    )
    return list(session().scalars(query.where(~revoked.exists()).execution_options(populate_existing=True)))


def purge(*, older_than: timedelta, dead_older_than: timedelta) -> int:
    """Delete some canvases that ended before their time, the failed ones after a longer one, with all that is in them;
    return how many.
    """
    old = (
        select(JobCanvas.id)
        .where(JobCanvas.parent_id.is_(None), JobCanvas.finished_at < func.now() - older_than)
        .where(
            or_(
                JobCanvas.state != CanvasState.FAILED,
                JobCanvas.finished_at < func.now() - dead_older_than,
            )
        )
        .limit(PURGE_BATCH)
    )
    deleted = session().execute(
        delete(JobCanvas).where(JobCanvas.id.in_(old)).execution_options(synchronize_session=False)
    )
    return int(deleted.rowcount)  # type: ignore[attr-defined]  # a DELETE's result has a row count


def clear_results(*, older_than: timedelta, of: Sequence[str] | None = None, but: Sequence[str] = ()) -> int:
    """Forget some results of runs that ended before their time; return how many.

    Of the jobs called `of`, or of all `but` these. A canvas needs the results of its steps until it has ended, and one
    that failed for as long as it is there, for it may be resumed.
    """
    root = aliased(JobCanvas)
    needed = (
        select(root.id)
        .join(JobCanvas, JobCanvas.root_id == root.id)
        .where(JobCanvas.id == JobRun.canvas_id, root.state.in_((*OPEN, CanvasState.FAILED)))
    )
    old = (
        select(JobRun.id)
        .where(JobRun.result.is_not(None), JobRun.finished_at < func.now() - older_than)
        .where(JobRun.name.in_(of) if of is not None else JobRun.name.not_in(but))
        .where(or_(JobRun.canvas_id.is_(None), ~needed.exists()))
        .limit(CLEAR_BATCH)
    )
    cleared = session().execute(
        update(JobRun).where(JobRun.id.in_(old)).values(result=None).execution_options(synchronize_session=False)
    )
    return int(cleared.rowcount)  # type: ignore[attr-defined]  # an UPDATE's result has a row count
