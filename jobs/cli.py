"""`flask jobs …`: the background jobs from the command line."""

from __future__ import annotations

import json
from typing import Any

import click
from flask.cli import AppGroup

from jobs.runtime import InvalidArguments, Job, execute, registry, store
from jobs.runtime.enqueue import write
from jobs.runtime.models import RunState
from jobs.runtime.registry import UnknownJob
from jobs.runtime.scheduler import Every
from webapp.core.commands import Refusal
from webapp.core.db import transaction

jobs = AppGroup("jobs", help="See and run the background jobs.")


@jobs.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
def list_jobs(as_json: bool) -> None:
    """Every job with its queue, retry policy, schedule and limits."""
    described = [describe(job) for job in registry.all_jobs()]
    if as_json:
        click.echo(json.dumps(described, indent=2))
        return
    width = max(len(row["name"]) for row in described)
    for row in described:
        when = f"{row['schedule']} {row['timezone']}" if row["schedule"] else ", ".join(row["on"])
        queue = f"{row['queue']}:{row['lane']}"
        click.echo(f"{row['name']:<{width}}  {queue:<22}  {row['retry']:<13} {when}".rstrip())


@jobs.command("run")
@click.argument("name")
@click.option("--args", "arguments", default="{}", help='The arguments as a JSON object: \'{"booking_id": "…"}\'.')
def run_job(name: str, arguments: str) -> None:
    """Run the job NAME here and now, recorded like any other run; exits 1 when it does not succeed."""
    job = _job(name)
    checked = _arguments(job, arguments)
    if not job.options.durable:
        click.echo(json.dumps(job.function(**job.load(checked)), default=str))
        return
    with transaction():
        run_id = write(job, checked)
    execute.run(run_id)
    with transaction():
        row = store.find(run_id)
    if row is None:
        raise Refusal("the run was purged before it could be shown")
    click.echo(json.dumps({"id": str(run_id), "state": row.state.value, "result": row.result, "error": row.error}))
    if row.state is not RunState.SUCCEEDED:
        raise SystemExit(1)


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


def _job(name: str) -> Job[..., Any]:
    try:
        return registry.find_job(name)
    except UnknownJob as error:
        raise Refusal(str(error)) from None


def _arguments(job: Job[..., Any], text: str) -> dict[str, Any]:
    try:
        values = json.loads(text)
    except ValueError as error:
        raise Refusal(f"--args is not JSON: {error}") from None
    if not isinstance(values, dict):
        raise Refusal('--args must be a JSON object, such as \'{"name": "value"}\'')
    try:
        return job.check_named(values)
    except InvalidArguments as error:
        raise Refusal(str(error)) from None
