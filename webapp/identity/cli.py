"""`flask users …`: people, from the command line of a machine that has no page to sign in on yet."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import click
from sqlalchemy.exc import OperationalError, ProgrammingError

from webapp.core.commands import Commands, Refusal
from webapp.core.db import transaction
from webapp.core.errors import DomainError
from webapp.identity import service
from webapp.identity.models import Role

users = Commands("users", help="Manage the people who sign in.")


@users.command("create-owner")
@click.option("--organization", required=True, help="Its name, as guests read it.")
@click.option("--slug", required=True, help="Its name in addresses: lower-case letters, digits, hyphens.")
@click.option("--email", required=True, help="What the owner signs in with.")
@click.option("--name", required=True, help="What the owner is called.")
@click.option("--timezone", default="UTC", show_default=True, help="An IANA name, such as Europe/Berlin.")
@click.option("--password-stdin", is_flag=True, help="Read the password from the first line of standard input.")
def create_owner(*, organization: str, slug: str, email: str, name: str, timezone: str, password_stdin: bool) -> None:
    """Open an organisation and its first owner's account.

    The password is asked for, unless --password-stdin is given. Bad input ends with one sentence and exit code 2.
    """
    password = _password(from_stdin=password_stdin)
    with _written(_OPTIONS):
        service.register_organization(
            name=organization, slug=slug, timezone=timezone, owner_name=name, owner_email=email, password=password
        )
    click.echo(f"{name} owns {organization} and can sign in as {email}.")


@users.command("add")
@click.option("--organization", required=True, help="The organisation, by its name in addresses.")
@click.option("--email", required=True, help="What the person signs in with.")
@click.option("--name", required=True, help="What the person is called.")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True, help="What they may do.")
@click.option("--password-stdin", is_flag=True, help="Read the password from the first line of standard input.")
def add_member(*, organization: str, email: str, name: str, role: str, password_stdin: bool) -> None:
    """Open an account for one more person of an organisation; an auditor sees the background jobs and changes nothing.

    The password is asked for, unless --password-stdin is given. Bad input ends with one sentence and exit code 2.
    """
    password = _password(from_stdin=password_stdin)
    with _written(_OPTIONS | {"slug": "organization"}):
        service.add_member(slug=organization, name=name, email=email, password=password, role=Role(role))
    click.echo(f"{name} is {role} of {organization} and can sign in as {email}.")


_OPTIONS = {"name": "organization", "owner_name": "name", "owner_email": "email"}


@contextmanager
def _written(options: Mapping[str, str]) -> Iterator[None]:
    """Make the change in a transaction; raises Refusal naming the option, for `options` knows which one a field is."""
    try:
        with transaction():
            yield
    except DomainError as error:
        raise Refusal(f"--{options.get(error.field or '', error.field)}: {error}") from None
    except (OperationalError, ProgrammingError):
        raise click.ClickException(
            "The database is away or not migrated; start it and run `flask db upgrade`."
        ) from None


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return _first_line()
    if not sys.stdin.isatty():
        raise Refusal("There is no terminal to ask for the password on; pipe it in with --password-stdin.")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password


def _first_line() -> str:
    try:
        return sys.stdin.buffer.readline().decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise Refusal("--password-stdin: The password must be text in UTF-8.") from None
