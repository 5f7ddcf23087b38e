"""From a call to a row in the caller's transaction, and after the commit to Redis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from jobs.runtime import current, store
from jobs.runtime.carrier import Carried
from jobs.runtime.deliver import carry_after_commit, withdraw_after_commit
from webapp.core import clock, measures
from webapp.core.db import in_transaction, transaction, uuid7
from webapp.core.logs import current_trace

if TYPE_CHECKING:
    from jobs.runtime.declare import Job, Signature


def submit(
    job: Job[..., Any],
    arguments: dict[str, Any],
    *,
    run_at: datetime | None = None,
    unique_key: str | None = None,
) -> UUID:
    """Write a run of `job` and have it carried to Redis after the commit; return its id.

    With a `unique_key` that a waiting or running run has, nothing is added and that run's id is returned.
    `arguments` are JSON values, checked before.
    """
    if not in_transaction():
        with transaction():
            return submit(job, arguments, run_at=run_at, unique_key=unique_key)
    run = _draw_up(job, arguments, run_at=run_at)
    if job.options.durable:
        existing = _write(job, run, unique_key=unique_key)
        if existing != run.id:
            return existing
    measures.count("jobs_enqueued", job=job.name, queue=run.queue)
    carry_after_commit(run)
    return run.id


def write(job: Job[..., Any], arguments: dict[str, Any]) -> UUID:
    """Write a run of `job` in the caller's transaction for this very process to run; return its id."""
    return _write(job, _draw_up(job, arguments, run_at=None), unique_key=None)


def _draw_up(job: Job[..., Any], arguments: dict[str, Any], *, run_at: datetime | None) -> Carried:
    queue, lane = job.route()
    return Carried(
        id=uuid7(),
        path=job.path,
        queue=queue,
        lane=lane,
        arguments=arguments,
        run_at=run_at or clock.now(),
        time_limit=job.options.time_limit,
    )


def _write(job: Job[..., Any], run: Carried, *, unique_key: str | None) -> UUID:
    return store.insert(run, name=job.name, unique_key=unique_key, parent=current.run_id(), trace=current_trace())


@dataclass(frozen=True)
class Group:
    """Several jobs to be enqueued together or not at all."""

    signatures: Sequence[Signature]

    def enqueue(self) -> list[UUID]:
        """Enqueue them all; return the ids of their runs in the same order."""
        if not in_transaction():
            with transaction():
                return self.enqueue()
        return [signature.enqueue() for signature in self.signatures]


def group(*signatures: Signature) -> Group:
    """Return a group of jobs: `group(a.s(1), b.s(2)).enqueue()`."""
    return Group(signatures)


def cancel(*, unique_key: str) -> UUID | None:
    """Cancel the waiting run with this key, in the caller's transaction; return its id, None when there is none."""
    cancelled = store.cancel(unique_key=unique_key)
    if cancelled is not None:
        withdraw_after_commit(cancelled)
    return cancelled
