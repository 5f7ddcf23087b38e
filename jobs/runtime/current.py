"""Which run, if any, the code at hand is part of."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from jobs.runtime.plain import made_keepable

LONGEST_NOTE = 200


@dataclass(slots=True)
class Report:
    """How far a run says it is: `latest` is (done, total, note) as last stated; what was shown of it last, and when."""

    latest: tuple[int, int, str] | None = None
    published: tuple[int, int, str] | None = None
    published_at: float = 0.0

    def kept(self) -> dict[str, Any] | None:
        """Return what was stated last as JSON values, None when nothing was."""
        if self.latest is None:
            return None
        done, total, note = self.latest
        return {"done": done, "total": total, "note": made_keepable(str(note))[:LONGEST_NOTE]}


@dataclass(frozen=True)
class Claim:
    """A run that this process has taken.

    `attempt` and `worker` are the fence that whoever writes for it must name: a crash of the database may forget a
    claim, so that the next one bears the same number, but never the same worker's name.
    """

    id: UUID
    name: str
    queue: str
    lane: str
    arguments: dict[str, Any]
    attempt: int
    failures: int
    worker: str
    run_at: datetime
    started_at: datetime
    trace: str
    canvas_id: UUID | None
    rate_key: str | None
    slot_key: str | None
    canvas_state: str | None
    step: dict[str, Any] | None
    report: Report = field(default_factory=Report, compare=False)

    @property
    def ends_alone(self) -> bool:
        """True when there is nothing to write at its end but its own state and result."""
        return self.canvas_id is None and self.slot_key is None and self.report.latest is None


@dataclass(frozen=True)
class Done:
    """A claimed run whose body has succeeded and whose row is still to be closed."""

    claim: Claim
    result: dict[str, Any] | None


claim: ContextVar[Claim | None] = ContextVar("almanac_claim", default=None)


def run_id() -> UUID | None:
    """Return the id of the run this code is part of, None outside of one."""
    held = claim.get()
    return held.id if held else None


def wrap(result: Any) -> dict[str, Any] | None:
    """Return a job's result as it is kept: an object as it is, anything else under "value", nothing as None."""
    if result is None or (isinstance(result, dict) and result.keys() != {"value"}):
        return result
    return {"value": result}


def unwrap(kept: dict[str, Any] | None) -> Any:
    """Return the result that `wrap` has made `kept` of."""
    return kept["value"] if kept is not None and kept.keys() == {"value"} else kept
