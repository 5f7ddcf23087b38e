"""A job with its arguments, to be enqueued by itself or as a step of a canvas."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

if TYPE_CHECKING:
    from jobs.runtime.declare import Job


class _Result:
    def __repr__(self) -> str:
        return "RESULT"


# Stands, as an argument of a step, for what the step before it returned; of any type, so that it fits everywhere.
RESULT: Final[Any] = _Result()


@dataclass(frozen=True)
class Signature:
    """A job with its arguments as checked JSON values; `takes` names those that are the result of the step before."""

    job: Job[..., Any]
    arguments: dict[str, Any]
    takes: tuple[str, ...] = ()
    undo: Signature | None = None

    def enqueue(self) -> UUID:
        """Enqueue it; return the run's id. Raises ValueError when it takes a result, or has somebody undo it."""
        job, arguments = self.standing_alone()
        return job.submit(arguments)

    def standing_alone(self) -> tuple[Job[..., Any], dict[str, Any]]:
        """Return the job and its arguments; raises ValueError as `enqueue` does."""
        if self.takes or self.undo:
            raise ValueError(f"{self.job.name} takes RESULT or is compensated: it can only be a step of a canvas")
        return self.job, self.arguments

    def compensated_by(self, undo: Signature) -> Signature:
        """Return this step with the step that undoes it, should the canvas fail later on and compensate.

        RESULT among the arguments of `undo` stands for what this step returned.
        """
        return replace(self, undo=undo)
