"""How the commands answer: tables for people, JSON for programs, and an exit status that says what came of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from enum import IntEnum
from typing import IO, Any, TypeVar
from uuid import UUID

import click
from flask.cli import with_appcontext
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from jobs.runtime import InvalidArguments, Job, registry
from jobs.runtime.registry import UnknownJob
from webapp.core.commands import Commands, Refusal
from webapp.core.errors import Conflict, DomainError, NotFound

F = TypeVar("F", bound=Callable[..., Any])


class Status(IntEnum):
    """What the exit status of a command says."""

    OK = 0
    JOB_FAILED = 1
    ASKED_WRONGLY = 2
    NOT_FOUND = 3
    CONFLICT = 4
    UNAVAILABLE = 5
    DECLINED = 6


class Answer(click.ClickException):
    """An end other than a good one: one sentence on standard error, and an exit status."""

    def __init__(self, message: str, status: Status) -> None:
        super().__init__(message)
        self.status = status

    @property
    def exit_code(self) -> int:  # type: ignore[override]  # click has one for the whole class
        """The exit status of the command."""
        return int(self.status)

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the sentence alone."""
        click.echo(self.format_message(), file=file or sys.stderr)


class JobsGroup(Commands):
    """Commands whose errors become sentences and exit statuses."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; raises click's own exceptions only."""
        try:
            return super().invoke(ctx)
        except UnknownJob as error:
            raise Answer(str(error), Status.NOT_FOUND) from None
        except InvalidArguments as error:
            raise Refusal(str(error)) from None
        except DomainError as error:
            raise Answer(_sentence(error), _status(error)) from None
        except (OperationalError, PoolTimeout):
            raise Answer("The database cannot be reached; see /readyz.", Status.UNAVAILABLE) from None
        except DBAPIError as error:
            if "does not exist" in str(error.orig):
                raise Answer("The database is not migrated; run `flask db upgrade`.", Status.UNAVAILABLE) from None
            raise
        except RedisError:
            raise Answer("Redis cannot be reached; see /readyz.", Status.UNAVAILABLE) from None


def as_json_option(command: F) -> F:
    """Give a command `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")(command)


def command(name: str) -> Callable[[Callable[..., None]], click.Command]:
    """Declare a command that needs the application."""

    def declare(function: Callable[..., None]) -> click.Command:
        return click.command(name)(with_appcontext(function))

    return declare


def find_job(name: str) -> Job[..., Any]:
    """Return the job called `name`; raises UnknownJob, which ends with NOT_FOUND."""
    return registry.find_job(name)


def read_object(text: str, *, option: str = "--args") -> dict[str, Any]:
    """Return the JSON object that an option holds; raises Refusal."""
    try:
        values = json.loads(text)
    except ValueError as error:
        raise Refusal(f"{option} is not JSON: {error}") from None
    except RecursionError:
        raise Refusal(f"{option} holds lists or objects within each other, more of them than can be read") from None
    if not isinstance(values, dict):
        raise Refusal(f'{option} must be a JSON object, such as \'{{"name": "value"}}\'')
    return values


def ask(question: str) -> None:
    """Go on only if somebody says yes; raises Answer, which ends with DECLINED, otherwise."""
    try:
        click.confirm(question, abort=True, err=True)
    except click.Abort:
        raise Answer("Nothing was changed.", Status.DECLINED) from None


def print_json(value: Any) -> None:
    """Print `value` as JSON, times in ISO 8601 and UTC."""
    click.echo(json.dumps(value, indent=2, default=_plain))


def print_table(headings: Sequence[str], rows: Sequence[Sequence[Any]], *, nothing: str) -> None:
    """Print rows under headings, as wide as needed; `nothing` in their place when there are none."""
    if not rows:
        click.echo(nothing)
        return
    texts = [[shown(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(headings, *texts, strict=True)]
    for line in (headings, *texts):
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def shown(cell: Any) -> str:
    """Return a value as a table shows it: times to the second in UTC, nothing as a dash, one line."""
    match cell:
        case None | "":
            return "-"
        case bool():
            return "yes" if cell else "no"
        case datetime():
            return f"{cell:%Y-%m-%d %H:%M:%S}Z"
    return " ".join(str(cell).split())


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} is nothing for JSON")


def _sentence(error: DomainError) -> str:
    return " ".join(f"{fault['field']}: {fault['message']}" for fault in error.faults) or str(error)


def _status(error: DomainError) -> Status:
    match error:
        case NotFound():
            return Status.NOT_FOUND
        case Conflict():
            return Status.CONFLICT
    return Status.ASKED_WRONGLY
