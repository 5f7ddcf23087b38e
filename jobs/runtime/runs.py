"""For those who show background work: how far runs are, and how a canvas stands as a whole."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from redis import RedisError

from jobs.runtime import carrier, store, tree
from jobs.runtime.models import CanvasKind, CanvasState, JobCanvas, JobRun, OnFailure, RunState
from webapp.core.logs import get_logger
from webapp.core.pagination import PAGE_SIZE
from webapp.core.redis import jobs_redis

log = get_logger(__name__)


@dataclass(frozen=True)
class Progress:
    """How far a run has said that it is."""

    done: int
    total: int
    note: str

    @property
    def fraction(self) -> float:
        """How much of it is done, from 0 to 1."""
        return min(max(self.done / self.total, 0.0), 1.0) if self.total > 0 else 0.0


@dataclass(frozen=True, kw_only=True)
class CanvasView:
    """A canvas or a node of it. The counts are of its own members; `steps` and `steps_over` of jobs at any depth."""

    id: UUID
    kind: CanvasKind
    on_failure: OnFailure
    state: CanvasState
    position: int
    total: int
    started: int
    done: int
    failed: int
    cancelled: int
    steps: int
    steps_over: int
    started_by: UUID | None
    revoked_by: str | None
    created_at: datetime
    finished_at: datetime | None
    nodes: tuple[CanvasView, ...]

    @property
    def fraction(self) -> float:
        """How much of it is over, from 0 to 1."""
        return self.steps_over / self.steps if self.steps else 1.0


def progress_of(run_ids: Sequence[UUID]) -> dict[UUID, Progress]:
    """Return how far those of `run_ids` are that have said it.

    Of the running it is what Redis has, half a second old at most; of the others what their rows have kept.
    """
    rows = store.progress(run_ids)
    kept = {row.id: row.progress for row in rows if row.progress is not None}
    try:
        kept |= carrier.shown_progress(jobs_redis(), [row.id for row in rows if row.state is RunState.RUNNING])
    except RedisError as error:
        log.warning("Redis is away: the progress of running jobs is not known", error=str(error))
    return {run_id: Progress(**progress) for run_id, progress in kept.items()}


def canvas(canvas_id: UUID) -> CanvasView | None:
    """Return how the canvas or node stands, with all nodes in it, None when there is none of that id.

    Costs as much as it has nodes, however many runs they have.
    """
    found = tree.find(canvas_id)
    if found is None:
        return None
    inside: defaultdict[UUID | None, list[JobCanvas]] = defaultdict(list)
    for node in tree.below(found):
        inside[node.parent_id].append(node)
    return _view(found, inside)


def whole(canvas_id: UUID) -> CanvasView | None:
    """Return how the whole stands that the node is part of, None when there is no such node."""
    found = tree.find(canvas_id)
    return canvas(found.root_id) if found else None


def steps(root_id: UUID, *, after: UUID | None = None, limit: int = PAGE_SIZE) -> tuple[Sequence[JobRun], UUID | None]:
    """Return a page of the runs of a whole canvas begun so far, in the order in which they were, from behind `after`.

    With it comes the run behind which the next page begins, None when there is none.
    """
    found = tree.steps(root_id, after=after, limit=limit + 1)
    return found[:limit], found[limit - 1].id if len(found) > limit else None


def members(canvas_id: UUID, *, after: int = -1, limit: int = 100) -> Sequence[JobRun]:
    """Return runs of a node by their position, from behind the position `after`; those begun so far."""
    return tree.members(canvas_id, after=after, limit=limit)


def _view(node: JobCanvas, inside: dict[UUID | None, list[JobCanvas]]) -> CanvasView:
    nodes = tuple(_view(one, inside) for one in inside.get(node.id, ()))
    return CanvasView(
        **{name: getattr(node, name) for name in _SHOWN},
        nodes=nodes,
        steps_over=node.steps if node.finished_at else _steps_over(node, nodes),
    )


def _steps_over(node: JobCanvas, nodes: Sequence[CanvasView]) -> int:
    planned = [one for one in nodes if one.kind is not CanvasKind.COMPENSATION]
    runs_over = node.done + node.failed + node.cancelled - sum(one.finished_at is not None for one in planned)
    return runs_over + sum(one.steps_over for one in planned)


_SHOWN = [name for name in CanvasView.__annotations__ if name not in {"nodes", "steps_over"}]
