"""From one step of a canvas to the next, in the very transaction that ends the step: it happens once, or not at all."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any
from uuid import UUID

from sqlalchemy import func

from jobs.runtime import current, registry, slots, tree
from jobs.runtime.carrier import Carried
from jobs.runtime.current import Claim
from jobs.runtime.deliver import carried, carry_after_commit, withdraw_after_commit
from jobs.runtime.models import CanvasKind, CanvasState, JobCanvas, OnFailure, RunState
from jobs.runtime.policies import Revoked
from webapp.core import clock, measures, tracing
from webapp.core.db import in_transaction, session, transaction, uuid7
from webapp.core.errors import Conflict
from webapp.core.tracing import Kind
from webapp.core.words import say

_COUNTERS = {
    CanvasState.SUCCEEDED: "done",
    CanvasState.FAILED: "failed",
    CanvasState.COMPENSATED: "failed",
    CanvasState.CANCELLED: "cancelled",
    RunState.SUCCEEDED: "done",
    RunState.DEAD: "failed",
    RunState.CANCELLED: "cancelled",
}
# A canvas that has ended well may still have a member that is replayed.
_ALIVE = (CanvasState.RUNNING, CanvasState.SUCCEEDED)
_GOING_ON = (CanvasState.RUNNING, CanvasState.STOPPING)


class NotResumable(Conflict):
    """A dead step cannot be taken up again, because its canvas was revoked, or what it had done is undone."""


def begin(plan: dict[str, Any]) -> UUID:
    """Begin a canvas, as `Canvas.describe` puts it, in the caller's transaction; return its id."""
    change = _Change()
    with tracing.span(f"start {plan['kind']}", kind=Kind.PRODUCER, attributes={"job.steps": plan["steps"]}):
        root = change.open(plan, parent=None, position=0)
    change.advance(root)
    change.write()
    return root.id


def member_ended(canvas_id: UUID, state: RunState) -> None:
    """Draw the consequences of the end of a run of the node `canvas_id`, in the transaction that ends it."""
    canvas = tree.lock(canvas_id)
    if canvas is not None:
        change = _Change(canvas)
        change.count(canvas, state)
        change.advance(canvas)
        change.write()


def stop(canvas_id: UUID, *, by: str) -> CanvasState | None:
    """Cancel what waits in a canvas and begin nothing more of it, in the caller's transaction.

    Return the state that it is left in, None when there is no such canvas. Runs that are under way are not touched.
    """
    canvas = tree.lock(canvas_id)
    if canvas is None:
        return None
    if canvas.state in _GOING_ON:
        canvas.revoked_by = by
        change = _Change(canvas)
        change.stop(canvas)
        change.advance(canvas)
        change.write()
    return canvas.state


def resume(canvas_id: UUID) -> None:
    """Take up a canvas again, in the caller's transaction, who has just had a dead run of the node wait anew.

    What was cancelled because of it waits again; where the canvas went on without it, only its count is mended.
    Raises NotResumable when the canvas has been compensated, or was revoked, itself or with what it is part of.
    """
    canvas = tree.lock(canvas_id)
    if canvas is None:
        return
    change = _Change(canvas)
    if change.is_revoked(canvas):
        raise NotResumable(say("What this job is a step of was revoked, so nothing of it may begin: start it anew."))
    canvas.failed -= 1
    change.reopen(canvas)
    change.write()


def taken_arguments(claim: Claim) -> dict[str, Any]:
    """Return those arguments of a claimed member of a canvas that are another step's result, as JSON values.

    Raises Revoked when its canvas had stopped before it was claimed.
    """
    if claim.canvas_state not in _ALIVE:
        raise Revoked("its canvas was stopped")
    names = (claim.step or {}).get("take")
    if not names:
        return {}
    with nullcontext() if in_transaction() else transaction():
        return dict.fromkeys(names, _result_for(claim))


def _result_for(claim: Claim) -> Any:
    """Return the result of the step before the claimed one, of the step that it undoes when it does."""
    position, parent_id, canvas = tree.member(claim.id)
    if canvas.kind is CanvasKind.COMPENSATION:
        return current.unwrap(tree.result_of(parent_id))
    return _result_before(canvas, position)


def _result_before(canvas: JobCanvas, position: int) -> Any:
    """Return the result of the step before this one; the first of a canvas looks for it around the canvas."""
    while canvas.kind is CanvasKind.GROUP or position == 0:
        if canvas.parent_id is None:
            return None
        canvas, position = tree.node(canvas.parent_id), canvas.position
    before = tree.child_at(canvas, position - 1)
    if before is None:
        kept = tree.results([canvas.id], position=position - 1)
        return current.unwrap(kept.get((canvas.id, position - 1)))
    return _Results(before).of(before)


class _Results:
    """The results of everything in a node, read at once."""

    def __init__(self, canvas: JobCanvas) -> None:
        nodes = [node for node in tree.below(canvas) if node.kind is not CanvasKind.COMPENSATION]
        self._nodes = {(node.parent_id, node.position): node for node in nodes}
        self._results = tree.results([canvas.id, *(node.id for node in nodes)])

    def of(self, canvas: JobCanvas) -> Any:
        """Return the list of a group's results, and what the last step of anything else has returned."""
        if canvas.kind is CanvasKind.GROUP:
            return [self._at(canvas, position) for position in range(canvas.total)]
        return self._at(canvas, canvas.total - 1)

    def _at(self, canvas: JobCanvas, position: int) -> Any:
        node = self._nodes.get((canvas.id, position))
        return self.of(node) if node else current.unwrap(self._results.get((canvas.id, position)))


class _Change:
    """One change of a canvas, by whoever holds it; `write` puts down what was begun."""

    def __init__(self, *known: JobCanvas) -> None:
        self._nodes = {node.id: node for node in known}
        self._plans: dict[UUID, list[dict[str, Any]]] = {}
        self._runs: list[tuple[Carried, dict[str, Any]]] = []

    def write(self) -> None:
        """Write the rows of all that was begun, and have the runs carried after the commit."""
        session().flush()
        if self._runs:
            tree.insert(self._runs)
            carry_after_commit(*(run for run, _ in self._runs))
        for run, more in self._runs:
            measures.count("jobs_enqueued", job=more["name"], queue=run.queue)

    def open(self, plan: dict[str, Any], *, parent: JobCanvas | None, position: int) -> JobCanvas:
        """Add a node, and begin its members if they go side by side."""
        members, own_id = plan["members"], uuid7()
        side_by_side = plan["kind"] == CanvasKind.GROUP
        node = JobCanvas(
            id=own_id,
            kind=CanvasKind(plan["kind"]),
            on_failure=OnFailure(plan["on_failure"]),
            state=CanvasState.RUNNING,
            root_id=parent.root_id if parent else own_id,
            parent_id=parent.id if parent else None,
            position=position,
            started_by=parent.started_by if parent else current.run_id(),
            trace=parent.trace if parent else tracing.carried(),
            total=len(members),
            steps=plan["steps"],
            started=len(members) if side_by_side else 0,
            done=0,
            failed=0,
            cancelled=0,
            plan=[] if side_by_side else members,
        )
        session().add(node)
        self._nodes[node.id], self._plans[node.id] = node, members
        for number, member in enumerate(members if side_by_side else ()):
            self._start(node, member, position=number)
        return node

    def advance(self, node: JobCanvas | None, *, until: JobCanvas | None = None) -> None:
        """Begin what is to be begun after the end of members of `node`: its next one, or what follows its own end."""
        while node is not None and node is not until and node.state in _GOING_ON and not node.active:
            if node.state is CanvasState.RUNNING and node.started < node.total:
                node.started += 1
                self._start(node, self._planned(node, node.started - 1), position=node.started - 1)
            elif not self._compensate(node):
                node = self._end(node)

    def count(self, node: JobCanvas, state: RunState | CanvasState) -> None:
        """Count the end of a member; unless it ended well, stop the node if that is what was chosen."""
        counter = _COUNTERS[state]
        setattr(node, counter, getattr(node, counter) + 1)
        if counter != "done" and node.on_failure is not OnFailure.CONTINUE and node.state is CanvasState.RUNNING:
            self.stop(node)

    def stop(self, node: JobCanvas) -> None:
        """Cancel what waits at any depth of the node and begin no more of it. What undoes other work goes on."""
        under = tree.below(node, states=_GOING_ON)
        affected = {one.id: one for one in (*under, node)}
        self._nodes |= affected
        for one in affected.values():
            one.state = CanvasState.STOPPING
        rows = tree.cancel_waiting(list(affected), reason="its canvas was stopped")
        for row in rows:
            affected[row.canvas_id].cancelled += 1
            measures.count("jobs_cancelled", job=row.name, queue=row.queue)
        if rows:
            withdraw_after_commit(*(row.id for row in rows))
            # Not here, under the canvas's lock: whoever closes a member of it holds a slot's lock, and wants this one.
            slots.release_after_commit(row.slot_key for row in rows if not row.is_held)
        for one in under:
            self.advance(one, until=node)

    def is_revoked(self, node: JobCanvas | None) -> bool:
        """True when somebody has revoked the node, or one around it."""
        while node is not None and node.revoked_by is None:
            node = self._node(node.parent_id)
        return node is not None

    def reopen(self, node: JobCanvas) -> None:
        """Have the node go on, and those around it, which had counted it as ended, when a member of it is back."""
        if node.state is CanvasState.SUCCEEDED:
            return
        if tree.compensation_of(node) is not None:
            raise NotResumable(say("What this job is a step of was undone, or is about to be: start it anew."))
        was = node.state
        self._revive(node, back=1)
        parent = self._node(node.parent_id)
        if parent is not None and was in _COUNTERS:
            counter = _COUNTERS[was]
            setattr(parent, counter, getattr(parent, counter) - 1)
            self.reopen(parent)
        self.advance(node)

    def _revive(self, node: JobCanvas, *, back: int) -> None:
        """Have what was cancelled in the node wait again, at any depth; `back` members of it are back already."""
        if node.state is CanvasState.RUNNING:
            return
        # Once it has ended, those that were never begun count as cancelled too; they do no longer.
        if node.state is not CanvasState.STOPPING:
            node.cancelled = node.started - node.done - node.failed - back
        node.state, node.finished_at = CanvasState.RUNNING, None
        session().flush()
        rows = tree.revive_cancelled(node)
        carry_after_commit(*map(carried, rows))
        inside = tree.cancelled_children(node)
        node.cancelled -= len(rows) + len(inside)
        for child in inside:
            self._nodes[child.id] = child
            self._revive(child, back=0)
            self.advance(child, until=node)

    def _planned(self, node: JobCanvas, position: int) -> dict[str, Any]:
        """Return one step of the plan; the whole may be long."""
        return self._plans[node.id][position] if node.id in self._plans else tree.planned(node, position)

    def _start(self, node: JobCanvas, member: dict[str, Any], *, position: int) -> None:
        if "kind" in member:
            self.advance(self.open(member, parent=node, position=position), until=node)
            return
        of = member.get("of")
        more = {
            "name": member["job"],
            "parent": UUID(of) if of else node.started_by,
            "trace": node.trace,
            "canvas": node.id,
            "position": position,
            "step": {key: member[key] for key in ("take", "undo") if key in member},
        }
        self._runs.append((_carried(member), more))

    def _compensate(self, node: JobCanvas) -> bool:
        """Begin to undo what is done of a node that has failed, if that was chosen; False when there is nothing to."""
        if node.on_failure is not OnFailure.COMPENSATE or not _has_failed(node):
            return False
        steps = tree.take_undoings([node.id, *(one.id for one in tree.below(node))])
        if not steps:
            return False
        node.state = CanvasState.COMPENSATING
        plan = {
            "kind": CanvasKind.COMPENSATION,
            "on_failure": OnFailure.CONTINUE,
            "members": steps,
            "steps": len(steps),
        }
        self.advance(self.open(plan, parent=node, position=node.total))
        return True

    def _end(self, node: JobCanvas) -> JobCanvas | None:
        """Close a node of which nothing is left to do; return the one around it, which has counted it."""
        parent = self._node(node.parent_id)
        self._close(node, _final_state(node))
        if parent is not None and node.kind is CanvasKind.COMPENSATION:
            undone = not node.failed and not node.cancelled
            node, parent = parent, self._node(parent.parent_id)
            self._close(node, CanvasState.COMPENSATED if undone else CanvasState.FAILED)
        if parent is not None:
            self.count(parent, node.state)
        return parent

    @staticmethod
    def _close(node: JobCanvas, state: CanvasState) -> None:
        node.state, node.finished_at = state, func.now()
        node.cancelled = node.total - node.done - node.failed

    def _node(self, node_id: UUID | None) -> JobCanvas | None:
        if node_id is not None and node_id not in self._nodes:
            self._nodes[node_id] = tree.node(node_id)
        return self._nodes[node_id] if node_id else None


def _has_failed(node: JobCanvas) -> bool:
    if node.on_failure is OnFailure.CONTINUE:
        return node.state is CanvasState.STOPPING
    return node.state is CanvasState.STOPPING or bool(node.failed or node.cancelled)


def _final_state(node: JobCanvas) -> CanvasState:
    if not _has_failed(node):
        return CanvasState.SUCCEEDED
    return CanvasState.FAILED if node.failed else CanvasState.CANCELLED


def _carried(step: dict[str, Any]) -> Carried:
    return Carried(
        id=uuid7(),
        path=registry.path_of(step["job"]),
        queue=step["queue"],
        lane=step["lane"],
        arguments=step["arguments"],
        run_at=clock.now(),
        time_limit=registry.time_limit_of(step["job"]),
    )
