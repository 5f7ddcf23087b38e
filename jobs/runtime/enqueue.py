"""From a call to a row in the caller's transaction, and after the commit to Redis."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from jobs.runtime import current, due, store
from jobs.runtime.carrier import Carried
from jobs.runtime.deliver import carry_after_commit, withdraw_after_commit
from jobs.runtime.inserts import NewRun, insert_many, insert_one
from jobs.runtime.limits import own_key
from webapp.core import clock, measures, tracing
from webapp.core.db import in_transaction, transaction, uuid7
from webapp.core.tracing import Kind

if TYPE_CHECKING:
    from jobs.runtime.declare import Job

INSERT_CHUNK = 1000


def submit(
    job: Job[..., Any],
    arguments: dict[str, Any],
    *,
    run_at: datetime | None = None,
    unique_key: str | None = None,
    unique_for: timedelta | None = None,
) -> UUID:
    """Write a run of `job` and have it carried to Redis after the commit; return its id.

    With a `unique_key` that a waiting or running run of the job has, or one that has succeeded no longer than
    `unique_for` ago, nothing is added and that run's id is returned. Raises ImpossibleTime when nothing can be due at
    `run_at`, ValueError when the job has no row to wait in. `arguments` are JSON values, checked before.
    """
    if not in_transaction():
        with transaction():
            return submit(job, arguments, run_at=run_at, unique_key=unique_key, unique_for=unique_for)
    key = None if unique_key is None else own_key(job.name, unique_key)
    if key is not None and unique_for is not None:
        recent = store.find_unique(key, succeeded_within=unique_for)
        if recent is not None:
            return recent
    return _submit(job, [arguments], run_at=run_at, unique_key=key)[0]


def submit_many(job: Job[..., Any], many: Sequence[dict[str, Any]], *, run_at: datetime | None = None) -> list[UUID]:
    """Write a run of `job` for each of the arguments, all or none; return their ids. For the rest as `submit`."""
    if not in_transaction():
        with transaction():
            return submit_many(job, many, run_at=run_at)
    return _submit(job, many, run_at=run_at)


def _submit(
    job: Job[..., Any], many: Sequence[dict[str, Any]], *, run_at: datetime | None, unique_key: str | None = None
) -> list[UUID]:
    """Write runs and have them carried, but for a single one whose key another has: then return that one's id."""
    runs = _draw_up(job, many, run_at=run_at)
    with _span(job, runs):
        if job.options.durable:
            written = _write(_rows(job, runs), unique_key=unique_key)
            if written != [run.id for run in runs]:
                return written
    measures.count("jobs_enqueued", len(runs), job=job.name, queue=job.route()[0])
    carry_after_commit(*runs)
    return [run.id for run in runs]


def submit_group(members: Sequence[tuple[Job[..., Any], dict[str, Any]]]) -> list[UUID]:
    """Write a run of each job with its arguments, all or none; return their ids in order. For the rest as `submit`."""
    if not in_transaction():
        with transaction():
            return submit_group(members)
    runs: list[Carried] = []
    rows: list[NewRun] = []
    for job, arguments in members:
        drawn = _draw_up(job, [arguments], run_at=None)
        with _span(job, drawn):
            rows += _rows(job, drawn) if job.options.durable else []
        measures.count("jobs_enqueued", job=job.name, queue=drawn[0].queue)
        runs += drawn
    _write(rows)
    carry_after_commit(*runs)
    return [run.id for run in runs]


def write(job: Job[..., Any], arguments: dict[str, Any]) -> UUID:
    """Write a run of `job` in the caller's transaction for this very process to run; return its id."""
    runs = _draw_up(job, [arguments], run_at=None)
    with _span(job, runs):
        return _write(_rows(job, runs))[0]


def _span(job: Job[..., Any], runs: Sequence[Carried]) -> AbstractContextManager[None]:
    queue = runs[0].queue_name
    return tracing.span(
        f"enqueue {job.name}",
        kind=Kind.PRODUCER,
        attributes={"job.name": job.name, "job.count": len(runs), "messaging.destination.name": queue},
    )


def _draw_up(job: Job[..., Any], many: Sequence[dict[str, Any]], *, run_at: datetime | None) -> list[Carried]:
    if run_at is not None and not job.options.durable:
        raise ValueError(f"{job.name} is declared durable=False: it can only be for now, with no row to wait in")
    queue, lane = job.route()
    when = clock.now() if run_at is None else due.at(run_at)
    limit = job.options.time_limit
    return [
        Carried(id=uuid7(), path=job.path, queue=queue, lane=lane, arguments=one, run_at=when, time_limit=limit)
        for one in many
    ]


def _rows(job: Job[..., Any], runs: Sequence[Carried]) -> list[NewRun]:
    """Return what is to be written of runs of one job; what they set off is told of the span that is open now."""
    trace = tracing.carried()
    return [NewRun(run, job.name, trace, job.limit_keys(run.arguments)) for run in runs]


def _write(rows: Sequence[NewRun], *, unique_key: str | None = None) -> list[UUID]:
    parent = current.run_id()
    if len(rows) == 1:
        return [insert_one(rows[0], unique_key=unique_key, parent=parent)]
    ids: list[UUID] = []
    for start in range(0, len(rows), INSERT_CHUNK):
        ids += insert_many(rows[start : start + INSERT_CHUNK], parent=parent)
    return ids


def cancel_all(job: Job[..., Any], *, unique_keys: Iterable[str]) -> list[UUID]:
    """Cancel the job's waiting runs with these keys, in the caller's transaction; return the ids of those there are."""
    keys = [own_key(job.name, key) for key in unique_keys]
    cancelled = store.cancel_all(unique_keys=keys) if keys else []
    if cancelled:
        withdraw_after_commit(*cancelled)
    return cancelled


def cancel(job: Job[..., Any], *, unique_key: str) -> UUID | None:
    """Cancel the job's waiting run with this key, in the caller's transaction; return its id, None if there is none."""
    return next(iter(cancel_all(job, unique_keys=[unique_key])), None)
