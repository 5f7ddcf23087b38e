"""Whether a run is still its claim's: what keeps a worker that was frozen, or given up, from writing anything."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, bindparam, literal_column, select
from sqlalchemy.orm import Session

from jobs.runtime.current import Claim
from jobs.runtime.models import JobRun, RunState
from jobs.runtime.policies import LeaseLost
from webapp.core.db import read_alone

_CLOSED = "almanac.closed_run"

# What holds as long as a claim does, by its `terms`. Made once, for every transaction inside a run asks.
HELD = (
    JobRun.id == bindparam("run_id"),
    JobRun.attempt == bindparam("run_attempt"),
    JobRun.worker == bindparam("run_worker"),
    JobRun.state == RunState.RUNNING,
)
_FIND_HELD: Select[Any] = select(literal_column("1")).select_from(JobRun).where(*HELD)
_HOLD = _FIND_HELD.with_for_update(read=True)


def assert_held(claim: Claim, *, on: Session) -> None:
    """Hold the run until the caller's transaction ends; raises LeaseLost when it is somebody else's by now.

    A transaction that has closed the run itself holds it already.
    """
    if on.info.pop(_CLOSED, None) == claim.id:
        return
    if on.connection().execute(_HOLD, terms(claim)).first() is None:
        raise taken_over(claim)


def confirm_held(claim: Claim) -> None:
    """Raise LeaseLost when the run is somebody else's by now; whoever asks may be in no transaction."""
    if read_alone(_FIND_HELD, terms(claim)) is None:
        raise taken_over(claim)


def note_closed(claim: Claim, *, on: Session) -> None:
    """Remember that the caller's transaction has closed the run, or put it back."""
    on.info[_CLOSED] = claim.id


def terms(claim: Claim) -> dict[str, Any]:
    """Return what `HELD` asks for."""
    return {"run_id": claim.id, "run_attempt": claim.attempt, "run_worker": claim.worker}


def taken_over(claim: Claim) -> LeaseLost:
    """Return what is raised to a run that has lost its lease."""
    return LeaseLost(f"run {claim.id} was taken over after attempt {claim.attempt}")
