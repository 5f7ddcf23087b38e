"""The jobs as they are declared: listing them, running one here, enqueueing one."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import click

from jobs.cli.answers import Answer, Status, as_json_option, command, find_job, print_json, print_table, read_object
from jobs.console import By, enqueue_job, write_here
from jobs.runtime import Job, current, due, execute, registry, store
from jobs.runtime.models import RunState
from jobs.runtime.schedules import Every
from webapp.core import hidden
from webapp.core.commands import Number, Refusal
from webapp.core.db import transaction

_ARGS_HELP = 'The arguments as a JSON object: \'{"booking_id": "…"}\'.'
_LONGEST_SECONDS = 100 * 365 * 86_400


@as_json_option
@command("list")
def list_jobs(as_json: bool) -> None:
    """Every job with its queue, retry policy, and what starts it."""
    described = [describe(job) for job in registry.all_jobs()]
    if as_json:
        print_json(described)
        return
    rows = [
        (
            row["name"],
            f"{row['queue']}:{row['lane']}",
            row["retry"],
            f"{row['schedule']} {row['timezone']}" if row["schedule"] else ", ".join(row["on"]),
        )
        for row in described
    ]
    print_table(("JOB", "QUEUE", "RETRY", "STARTED BY"), rows, nothing="No job is declared.")


@click.argument("name")
@click.option("--args", "arguments", default="{}", help=_ARGS_HELP)
@command("run")
def run_job(name: str, arguments: str) -> None:
    """Run the job NAME here and now, written down like any other run; exits 1 when it does not succeed."""
    job = find_job(name)
    checked = job.check_named(read_object(arguments))
    with transaction():
        run_id = write_here(job, checked, by=By())
    outcome = _run_by_row(run_id) if job.options.durable else _run_without_row(job, run_id, checked)
    click.echo(json.dumps({"id": str(run_id), **outcome}))
    if outcome["state"] is not RunState.SUCCEEDED:
        raise SystemExit(Status.JOB_FAILED)


@click.argument("name")
@click.option("--args", "arguments", default="{}", help=_ARGS_HELP)
@click.option("--at", "at", help="When: ISO 8601 with its offset, such as 2026-11-24T09:00:00+01:00.")
@click.option("--in", "delay", type=Number(0, _LONGEST_SECONDS), help="In how many seconds.")
@click.option("--once", "key", help="Nothing new when a run with this key is waiting or running.")
@as_json_option
@command("enqueue")
def enqueue(*, name: str, arguments: str, at: str | None, delay: float | None, key: str | None, as_json: bool) -> None:
    """Have a worker run the job NAME; prints the id of the run."""
    job = find_job(name)
    checked = job.check_named(read_object(arguments))
    when = _when(at, delay)
    if not job.options.durable and (key is not None or when is not None):
        raise Refusal("--at, --in and --once need a job with a row; this one is declared durable=False")
    if key is not None:
        _check_key(job, key)
    with transaction():
        run_id = enqueue_job(job, checked, by=By(), run_at=when, key=key)
    if as_json:
        print_json({"id": run_id, "job": job.name})
    else:
        click.echo(run_id)


def _check_key(job: Job[..., Any], key: str) -> None:
    try:
        job.unique(key)
    except ValueError as error:
        raise Refusal(f"--once: {error}") from None


def _run_by_row(run_id: UUID) -> dict[str, Any]:
    execute.run(run_id)
    with transaction():
        row = store.find(run_id)
    if row is None:
        raise Answer("The run was purged before it could be shown.", Status.NOT_FOUND)
    return {"state": row.state, "result": current.unwrap(row.result), "error": row.error}


def _run_without_row(job: Job[..., Any], run_id: UUID, arguments: dict[str, Any]) -> dict[str, Any]:
    """Run the job and return what a row would have said of it, without the secrets that it was given."""
    try:
        result = execute.run_transient(job, run_id=run_id, arguments=arguments)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  # whatever a job raises is its outcome, the soft limit included
        said = hidden.hide(f"{type(error).__name__}: {error}")
        return {"state": RunState.DEAD, "result": None, "error": said}
    plain = json.loads(json.dumps(result, default=str))
    return {"state": RunState.SUCCEEDED, "result": hidden.hide_in(plain), "error": None}


def describe(job: Job[..., Any]) -> dict[str, Any]:
    """Return what is declared of `job`, as `flask jobs list --json` prints it; limits in seconds."""
    queue, lane = job.route()
    entry = _entries().get(job.name)
    return {
        "name": job.name,
        "queue": queue,
        "lane": lane,
        "retry": job.options.retry.name,
        "schedule": entry.cron.expression if entry else None,
        "timezone": entry.cron.timezone if entry else None,
        "durable": job.options.durable,
        "atomic": job.options.atomic,
        "on": [event.__name__ for event in job.options.on],
        "time_limit": job.options.time_limit,
        "soft_time_limit": job.options.soft_time_limit,
    }


def _entries() -> dict[str, Every]:
    from jobs.schedule import SCHEDULE  # the table names jobs, so it is read once all are declared

    return {entry.job.name: entry for entry in SCHEDULE}


def _when(at: str | None, delay: float | None) -> datetime | None:
    if at and delay is not None:
        raise Refusal("--at and --in say the same thing: give one of them")
    try:
        if delay is not None:
            return due.after(timedelta(seconds=delay))
        return due.at(_read_time(at)) if at else None
    except due.ImpossibleTime as error:
        raise Refusal(str(error)) from None


def _read_time(text: str) -> datetime:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(f"--at is no time: {text!r}; write it as 2026-11-24T09:00:00+01:00") from None
    if when.tzinfo is None:
        raise Refusal("--at needs an offset from UTC, as in 2026-11-24T09:00:00+01:00 or …Z")
    return when
