"""Which run, if any, the code at hand is part of."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True)
class Claim:
    """A run that this process has taken: `attempt` is the fence that whoever writes for it must name."""

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


claim: ContextVar[Claim | None] = ContextVar("almanac_claim", default=None)


def run_id() -> UUID | None:
    """Return the id of the run this code is part of, None outside of one."""
    held = claim.get()
    return held.id if held else None
