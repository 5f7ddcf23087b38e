"""Single runs: looking at them, stopping them, giving them another chance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import click

from jobs.cli.answers import Answer, Status, as_json_option, command, find_job, print_json, print_table
from jobs.cli.declared import describe
from jobs.console import GONE, By, revoke_run
from jobs.console import replay as replay_run
from jobs.runtime import browse, current, runs
from jobs.runtime.browse import RunFilter, Standing
from jobs.runtime.carrier import run_id_of
from jobs.runtime.models import JobAttempt, JobRun, RunState
from webapp.core import clock
from webapp.core.db import transaction
from webapp.core.logs import without_secrets

_RUNS = ("RUN", "JOB", "STATE", "ATTEMPT", "DUE", "STARTED", "FINISHED", "ERROR")


@click.argument("what")
@click.option("--state", type=click.Choice([standing.value for standing in Standing]), help="Of a job: only such runs.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="Of a job: how many runs.")
@as_json_option
@command("show")
def show(what: str, state: str | None, limit: int, as_json: bool) -> None:
    """One run (WHAT is its id), or a job (WHAT is its name) with its latest runs."""
    run_id = run_id_of(what)
    if run_id is None:
        _show_job(what, Standing(state) if state else None, limit, as_json)
        return
    with transaction():
        run = browse.find(run_id)
        if run is None:
            raise Answer(GONE, Status.NOT_FOUND)
        described = describe_run(run)
    if as_json:
        print_json(described)
        return
    attempts = described.pop("attempts")
    print_table(("FIELD", "VALUE"), list(described.items()), nothing="")
    rows = [(one["attempt"], one["outcome"], one["ended_at"], one["worker"], one["error"]) for one in attempts]
    if rows:
        click.echo()
        print_table(("ATTEMPT", "OUTCOME", "ENDED", "WORKER", "ERROR"), rows, nothing="")


@click.argument("run_ids", nargs=-1, required=True, type=click.UUID)
@as_json_option
@command("retry")
def retry(run_ids: tuple[UUID, ...], as_json: bool) -> None:
    """Give dead runs another chance, their history kept."""

    def make(run_id: UUID) -> str:
        replay_run(run_id, by=By())
        return RunState.WAITING.value

    _one_by_one(run_ids, make, says="waits again", as_json=as_json)


@click.argument("run_ids", nargs=-1, required=True, type=click.UUID)
@as_json_option
@command("revoke")
def revoke(run_ids: tuple[UUID, ...], as_json: bool) -> None:
    """Have runs not begin, or stop them if they are under way."""
    _one_by_one(run_ids, lambda run_id: revoke_run(run_id, by=By()).value, as_json=as_json)


def _one_by_one(run_ids: tuple[UUID, ...], make: Callable[[UUID], str], *, as_json: bool, says: str = "") -> None:
    """Make a change to each run in a transaction of its own; tell what came of it, or `says`, until one cannot be."""
    made = []
    try:
        for run_id in run_ids:
            with transaction():
                outcome = make(run_id)
            made.append({"id": run_id, "outcome": outcome})
            if not as_json:
                click.echo(f"{run_id} {says or outcome}")
    finally:
        if as_json:
            print_json(made)


def describe_run(run: JobRun) -> dict[str, Any]:
    """Return all about a run, in the caller's transaction, without what looks like a secret."""
    progress = runs.progress_of([run.id]).get(run.id)
    names = ("queue", "lane", "attempt", "failures", "interruptions", "worker", "run_at", "created_at", "started_at")
    return {
        "id": run.id,
        "name": run.name,
        "state": browse.standing_of(run, clock.now()).value,
        **{name: getattr(run, name) for name in names},
        "finished_at": run.finished_at,
        "arguments": browse.shown_arguments(run),
        "progress": {"done": progress.done, "total": progress.total, "note": progress.note} if progress else None,
        "result": without_secrets(current.unwrap(run.result)),
        "error": without_secrets(run.error),
        "revoked_by": run.revoked_by,
        "parent_id": run.parent_id,
        "canvas_id": run.canvas_id,
        "trace": run.request_id or None,
        "attempts": [_describe_attempt(attempt) for attempt in browse.attempts(run.id)],
    }


def _describe_attempt(attempt: JobAttempt) -> dict[str, Any]:
    names = ("attempt", "worker", "started_at", "ended_at", "error_type")
    return {
        **{name: getattr(attempt, name) for name in names},
        "outcome": attempt.outcome.value,
        "error": without_secrets(attempt.error),
        "traceback": without_secrets(attempt.traceback),
    }


def _show_job(name: str, standing: Standing | None, limit: int, as_json: bool) -> None:
    declared = describe(find_job(name))
    with transaction():
        rows = [_describe_row(row) for row in browse.page(RunFilter(name=name, standing=standing), limit=limit).items]
    if as_json:
        print_json({**declared, "runs": rows})
        return
    print_table(("FIELD", "VALUE"), list(declared.items()), nothing="")
    click.echo()
    print_table(_RUNS, [tuple(row.values()) for row in rows], nothing="No run of it is kept.")


def _describe_row(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "state": browse.standing_of(row, clock.now()).value,
        "attempt": row.attempt,
        "run_at": row.run_at,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "error": without_secrets(row.error),
    }
