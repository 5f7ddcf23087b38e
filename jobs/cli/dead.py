"""The dead letters: searching, replaying, discarding."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Any
from uuid import UUID

import click
from flask.cli import AppGroup

from jobs.cli.answers import Answer, Status, as_json_option, ask, print_json, print_table
from jobs.console import By, replay_all, replay_many
from jobs.console import discard as discard_runs
from jobs.runtime import browse, dead_letters
from jobs.runtime.dead_letters import DeadLetters
from jobs.runtime.models import RunState
from webapp.core import clock
from webapp.core.commands import Number, Refusal
from webapp.core.db import transaction
from webapp.core.logs import without_secrets
from webapp.core.settings import QUEUES

_BATCH = 100
_LONGEST_HOURS = 100 * 365 * 24


def _filters(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--older-than", type=Number(0, _LONGEST_HOURS), help="Only those that died so many hours ago."),
        click.option("--text", default="", help="Only those with this in their last error."),
        click.option("--queue", type=click.Choice(QUEUES), help="Only those of this queue."),
        click.option("--job", "name", default="", help="Only those with this in the job's name."),
    ):
        command = option(command)
    return command


dead = AppGroup("dead", help="Jobs that were given up: `list`, `replay`, `discard`.")


@dead.command("list")
@_filters
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many at most.")
@as_json_option
def list_dead(limit: int, as_json: bool, **filters: Any) -> None:
    """Those that died last first."""
    wanted = _wanted(**filters)
    with transaction():
        total = dead_letters.count(wanted)
        letters = [
            {
                "id": letter.id,
                "name": letter.name,
                "queue": letter.queue,
                "attempt": letter.attempt,
                "finished_at": letter.finished_at,
                "error": without_secrets(letter.error),
            }
            for letter in dead_letters.search(wanted, limit=limit)
        ]
    if as_json:
        print_json({"total": total, "items": letters})
        return
    rows = [tuple(letter.values()) for letter in letters]
    print_table(("RUN", "JOB", "QUEUE", "ATTEMPT", "DIED", "ERROR"), rows, nothing="There are no dead letters.")
    if total > len(letters):
        click.echo(f"{total - len(letters)} more; see them with --limit.")


@dead.command("replay")
@click.argument("run_ids", nargs=-1, type=click.UUID)
@click.option("--all", "everything", is_flag=True, help="All that fit the filters, by a job of its own.")
@_filters
@as_json_option
def replay_dead(run_ids: tuple[UUID, ...], everything: bool, as_json: bool, **filters: Any) -> None:
    """Give RUN_IDS, or all that fit, another chance."""
    _one_way(run_ids, everything)
    if everything:
        with transaction():
            run_id = replay_all(_wanted(**filters), by=By())
        _say({"id": run_id}, f"{run_id} replays them; follow it with `flask jobs show {run_id}`", as_json=as_json)
        return
    with transaction():
        replayed = replay_many(run_ids, by=By())
    _say({"replayed": replayed}, f"{len(replayed)} of {len(run_ids)} wait again", as_json=as_json)
    _account_for_the_others(run_ids, replayed)


@dead.command("discard")
@click.argument("run_ids", nargs=-1, type=click.UUID)
@click.option("--all", "everything", is_flag=True, help="All that fit the filters.")
@click.option("--yes", is_flag=True, help="Do not ask whether it is meant.")
@_filters
@as_json_option
def discard_dead(run_ids: tuple[UUID, ...], everything: bool, yes: bool, as_json: bool, **filters: Any) -> None:
    """Take RUN_IDS, or all that fit, from the dead letters for good."""
    _one_way(run_ids, everything)
    if not yes:
        ask("They will never run again. Discard them?")
    discarded: list[UUID] = []
    if everything:
        wanted = _wanted(**filters)
        while letters := _batch(wanted):
            discarded += _discard(letters)
    else:
        discarded = _discard(list(run_ids))
    _say({"discarded": discarded}, f"{len(discarded)} discarded", as_json=as_json)
    _account_for_the_others(run_ids, discarded)


def _say(values: dict[str, Any], sentence: str, *, as_json: bool) -> None:
    if as_json:
        print_json(values)
    else:
        click.echo(sentence)


def _account_for_the_others(run_ids: Collection[UUID], done: Collection[UUID]) -> None:
    """Raise Answer when there are runs that were asked for and with which nothing was done."""
    left = [run_id for run_id in run_ids if run_id not in done]
    with transaction():
        dead = [run_id for run_id in left if (run := browse.find(run_id)) and run.state is RunState.DEAD]
    unknown = [run_id for run_id in left if run_id not in dead]
    if unknown:
        raise Answer(f"Not among the dead letters: {', '.join(map(str, unknown))}", Status.NOT_FOUND)
    if dead:
        raise Answer(f"Another run does their work, or it was undone: {', '.join(map(str, dead))}", Status.CONFLICT)


def _batch(wanted: DeadLetters) -> list[UUID]:
    with transaction():
        return [letter.id for letter in dead_letters.search(wanted, limit=_BATCH)]


def _discard(run_ids: list[UUID]) -> list[UUID]:
    with transaction():
        return discard_runs(run_ids, by=By())


def _wanted(*, name: str, queue: str | None, text: str, older_than: float | None) -> DeadLetters:
    until = clock.now() - timedelta(hours=older_than) if older_than is not None else None
    return DeadLetters(name=name, queue=queue or "", text=text, until=until)


def _one_way(run_ids: tuple[UUID, ...], everything: bool) -> None:
    if bool(run_ids) == everything:
        raise Refusal("say which: either ids of runs, or --all with filters")
