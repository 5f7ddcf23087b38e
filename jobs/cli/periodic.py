"""The periodic jobs: seeing, editing, pausing and running them."""

from __future__ import annotations

from typing import Any

import click
from flask.cli import AppGroup

from jobs import console
from jobs.cli.answers import as_json_option, print_json, print_table, read_object
from jobs.console import By
from jobs.runtime import schedules
from jobs.runtime.models import JobSchedule
from webapp.core.commands import Refusal
from webapp.core.db import transaction

schedule = AppGroup("schedule", help="Periodic jobs: `list`, `edit`, `reset`, `pause`, `resume`, `run`, `history`.")


@schedule.command("list")
@as_json_option
def list_schedules(as_json: bool) -> None:
    """Every periodic job, when it runs, and when next."""
    with transaction():
        described = [_describe(row) for row in schedules.all_schedules()]
    if as_json:
        print_json(described)
        return
    rows = [
        (row["name"], row["cron"], row["timezone"], row["next_run_at"], _state(row), row["is_edited"])
        for row in described
    ]
    headings = ("NAME", "CRON", "ZONE", "NEXT", "STATE", "EDITED")
    print_table(headings, rows, nothing="There are none yet; the scheduler writes them down when it starts.")


@schedule.command("edit")
@click.argument("name")
@click.option("--cron", help="The five fields, such as '0 3 * * *'.")
@click.option("--timezone", help="An IANA name, such as Europe/Berlin.")
@click.option("--args", "arguments", help="The arguments as a JSON object.")
@as_json_option
def edit(name: str, cron: str | None, timezone: str | None, arguments: str | None, as_json: bool) -> None:
    """Change when NAME runs, or with what; kept across deploys."""
    if cron is None and timezone is None and arguments is None:
        raise Refusal("say what to change: --cron, --timezone or --args")
    values = read_object(arguments) if arguments is not None else None
    with transaction():
        console.edit_schedule(name, by=By(), cron=cron, timezone=timezone, arguments=values)
        _show(schedules.get(name), as_json=as_json)


@schedule.command("reset")
@click.argument("name")
@as_json_option
def reset(name: str, as_json: bool) -> None:
    """Return NAME to what the code says."""
    with transaction():
        _show(console.reset_schedule(name, by=By()), as_json=as_json)


@schedule.command("pause")
@click.argument("name")
@as_json_option
def pause(name: str, as_json: bool) -> None:
    """Have NAME not run until it is resumed."""
    with transaction():
        _show(console.pause_schedule(name, by=By()), as_json=as_json)


@schedule.command("resume")
@click.argument("name")
@as_json_option
def resume(name: str, as_json: bool) -> None:
    """Have NAME run again."""
    with transaction():
        _show(console.resume_schedule(name, by=By()), as_json=as_json)


@schedule.command("run")
@click.argument("name")
@as_json_option
def run(name: str, as_json: bool) -> None:
    """Run NAME once now, beside its schedule; prints the id of the run."""
    with transaction():
        run_id = console.run_schedule(name, by=By())
    if as_json:
        print_json({"id": run_id, "name": name})
    else:
        click.echo(run_id)


@schedule.command("history")
@click.argument("name")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@as_json_option
def history(name: str, limit: int, as_json: bool) -> None:
    """The latest ticks of NAME and what became of them."""
    with transaction():
        schedules.get(name)
        ticks = [
            {
                "due_at": tick.due_at,
                "asked_by": tick.asked_by,
                "run_id": tick.run_id,
                "state": tick.state.value if tick.state else None,
                "finished_at": tick.finished_at,
                "problem": tick.problem,
            }
            for tick in schedules.history(name=name, limit=limit)
        ]
    if as_json:
        print_json(ticks)
        return
    rows = [tuple(tick.values()) for tick in ticks]
    headings = ("DUE", "ASKED BY", "RUN", "STATE", "FINISHED", "PROBLEM")
    print_table(headings, rows, nothing="It has not run yet.")


def _show(row: JobSchedule, *, as_json: bool) -> None:
    """Say how an entry is now, in the transaction that has changed it."""
    if as_json:
        print_json(_describe(row))
    else:
        click.echo(_sentence(row))


def _describe(row: JobSchedule) -> dict[str, Any]:
    names = ("name", "job", "cron", "timezone", "arguments", "is_enabled", "is_edited", "is_listed")
    return {name: getattr(row, name) for name in names} | {"next_run_at": schedules.next_tick(row)}


def _state(row: dict[str, Any]) -> str:
    if not row["is_listed"]:
        return "gone from the code"
    return "on" if row["is_enabled"] else "paused"


def _sentence(row: JobSchedule) -> str:
    due = schedules.next_tick(row)
    when = f"next at {due:%Y-%m-%d %H:%M}Z" if due else "paused"
    return f"{row.name}: {row.cron} {row.timezone}, {when}"
