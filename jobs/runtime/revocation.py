"""Taking work back: what waits never begins, what is under way is stopped, and the row says who asked for it."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from jobs.runtime import carrier, handover, store, tree
from jobs.runtime.deliver import tell_revoked_after_commit, withdraw_after_commit
from jobs.runtime.models import CanvasKind, CanvasState, RunState
from webapp.core import measures
from webapp.core.db import in_transaction, transaction
from webapp.core.logs import get_logger
from webapp.core.redis import jobs_redis

LONGEST_NAME = 180

log = get_logger(__name__)


class Revocation(StrEnum):
    """What came of it: cancelled before it began, told to stop, being undone, over before, or never heard of."""

    CANCELLED = "cancelled"
    STOPPING = "stopping"
    UNDOING = "undoing"
    OVER = "over"
    UNKNOWN = "unknown"


def revoke(run_id: UUID, *, by: str) -> Revocation:
    """Take a run back, in the caller's transaction if there is one; `by` is who asks, for people to read.

    One that waits, for now or for later, is cancelled and never begins. One that is under way is told to stop: Revoked
    is raised inside it within half a second, and a second later its process is killed; then it is cancelled. It stays
    what it is if it ends well before that. When it is a step of a canvas, the rest is dealt with as the canvas says.
    """
    if not in_transaction():
        with transaction():
            return revoke(run_id, by=by)
    by = by[:LONGEST_NAME]
    row = store.revoke(run_id, by=by)
    if row is None:
        return Revocation.OVER if store.find(run_id) else _revoke_transient(run_id)
    log.info("job was revoked", job_id=str(run_id), job=row.name, by=by, was=row.state.value)
    if row.state is RunState.RUNNING:
        tell_revoked_after_commit(run_id)
        return Revocation.STOPPING
    withdraw_after_commit(run_id)
    measures.count("jobs_cancelled", job=row.name, queue=row.queue)
    if row.canvas_id is not None:
        handover.member_ended(row.canvas_id, RunState.CANCELLED)
    return Revocation.CANCELLED


def revoke_canvas(canvas_id: UUID, *, by: str) -> Revocation:
    """Take a whole canvas back, or a node of one, in the caller's transaction if there is one, as `revoke` does a run.

    What waits in it is cancelled, what is under way is told to stop, nothing more begins; what is done is undone if
    the canvas compensates. Once that has begun it is left to run to its end, for half undone is neither.
    """
    if not in_transaction():
        with transaction():
            return revoke_canvas(canvas_id, by=by)
    canvas = tree.find(canvas_id)
    if canvas is None:
        return Revocation.UNKNOWN
    if canvas.finished_at:
        return Revocation.OVER
    if canvas.state is CanvasState.COMPENSATING or canvas.kind is CanvasKind.COMPENSATION:
        return Revocation.UNDOING
    by = by[:LONGEST_NAME]
    nodes = [canvas_id, *(node.id for node in tree.below(canvas, states=(CanvasState.RUNNING, CanvasState.STOPPING)))]
    # The runs before the canvas, as everybody has it; then those that were begun in between.
    running = tree.revoke_running(nodes, by=by, skip_locked=False)
    state = handover.stop(canvas_id, by=by)
    running += tree.revoke_running(nodes, by=by, skip_locked=True)
    tell_revoked_after_commit(*running)
    log.info("canvas was revoked", canvas_id=str(canvas_id), by=by, running=len(running))
    return Revocation.STOPPING if state in tree.OPEN else Revocation.CANCELLED


def _revoke_transient(run_id: UUID) -> Revocation:
    """Take a job without a row back, of which only Redis knows; raises redis.RedisError when that is away."""
    match carrier.withdraw(jobs_redis(), [run_id]):
        case ["queued"]:
            return Revocation.CANCELLED
        case ["started"]:
            carrier.tell_revoked(jobs_redis(), [run_id])
            return Revocation.STOPPING
    return Revocation.UNKNOWN
