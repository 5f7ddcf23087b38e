"""Work of several jobs: one after the other, side by side, or side by side and then one with all their results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias
from uuid import UUID

from jobs.runtime import handover
from jobs.runtime.enqueue import submit_group
from jobs.runtime.models import CanvasKind, OnFailure
from jobs.runtime.signature import Signature
from webapp.core.db import in_transaction, transaction

Choice: TypeAlias = Literal["stop", "continue", "compensate"]
Step: TypeAlias = "Signature | Canvas"


@dataclass(frozen=True)
class Canvas:
    """Steps, each a job with its arguments or another canvas, and what becomes of the rest when one of them fails."""

    kind: CanvasKind
    members: tuple[Step, ...]
    on_failure: OnFailure

    def start(self) -> UUID:
        """Begin it, in the caller's transaction if there is one; return its id, by which its state can be asked for.

        Raises ValueError when a step takes RESULT but comes after none, or when its job has no row (`durable=False`).
        """
        if not in_transaction():
            with transaction():
                return self.start()
        _check(self, has_previous=False)
        return handover.begin(self.describe())

    def describe(self) -> dict[str, Any]:
        """Return it as JSON values, as it is kept until its steps are begun."""
        members = [_describe(member) for member in self.members]
        steps = sum(member.get("steps", 1) for member in members)
        return {"kind": self.kind, "on_failure": self.on_failure, "members": members, "steps": steps}


@dataclass(frozen=True)
class Group(Canvas):
    """Steps side by side."""

    def enqueue(self) -> list[UUID]:
        """Enqueue them as jobs that have nothing more to do with each other; return the ids of their runs in order.

        Cheaper than `start`, for nothing keeps count of them. Raises ValueError when a step is more than a job.
        """
        return submit_group([_alone(member).standing_alone() for member in self.members])


def chain(*steps: Step, on_failure: Choice = "stop") -> Canvas:
    """Return steps that are begun one after the other: `chain(a.s(1), b.s(RESULT)).start()`.

    RESULT among the arguments of a step stands for what the step before it returned, and for None when that one has
    failed and the chain continues. In a canvas within a chain it reaches out to the step before that canvas.
    """
    return Canvas(CanvasKind.CHAIN, steps, OnFailure(on_failure))


def group(*steps: Step, on_failure: Choice = "stop") -> Group:
    """Return steps side by side: `.enqueue()` lets each go its own way, `.start()` makes a canvas of them.

    As a step of a chain its result is the list of its members' results, with None for those that have failed.
    """
    return Group(CanvasKind.GROUP, steps, OnFailure(on_failure))


def chord(members: Group, callback: Step, *, on_failure: Choice = "stop") -> Canvas:
    """Return a group and what follows when all of it is done: `chord(group(a.s(1), a.s(2)), b.s(RESULT)).start()`.

    Whether the callback still runs after a member has failed, the group says: with `on_failure="continue"` it does.
    """
    return Canvas(CanvasKind.CHORD, (members, callback), OnFailure(on_failure))


def _alone(step: Step) -> Signature:
    if isinstance(step, Signature):
        return step
    raise ValueError(f"a group with a {step.kind} in it needs somebody to keep count: start() it, do not enqueue() it")


def _describe(step: Step) -> dict[str, Any]:
    if isinstance(step, Canvas):
        return step.describe()
    queue, lane = step.job.route()
    described: dict[str, Any] = {"job": step.job.name, "queue": queue, "lane": lane, "arguments": step.arguments}
    if step.takes:
        described["take"] = step.takes
    if step.undo:
        described["undo"] = _describe(step.undo)
    return described


def _check(step: Step, *, has_previous: bool) -> None:
    if isinstance(step, Canvas):
        for number, member in enumerate(step.members):
            _check(member, has_previous=has_previous or (step.kind is not CanvasKind.GROUP and number > 0))
        return
    for job in (step.job, *([step.undo.job] if step.undo else [])):
        if not job.options.durable:
            raise ValueError(f"{job.name} is declared durable=False, so a canvas could not know what became of it")
    if step.takes and not has_previous:
        raise ValueError(f"{step.job.name} takes RESULT, but no step comes before it")
