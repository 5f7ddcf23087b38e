"""`flask users …`."""

from __future__ import annotations

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import func, select

from tests.identity.browser import Browser
from webapp.core.db import session
from webapp.identity import service
from webapp.identity.cli import users
from webapp.identity.models import Organization, User

GOOD = {
    "--organization": "Studio Nord",
    "--slug": "studio-nord",
    "--email": "ada@example.com",
    "--name": "Ada Lovelace",
    "--timezone": "Europe/Oslo",
}


def create_owner(app: Flask, *, password: str = "twelve chars", **changes: str) -> Result:
    options = GOOD | {f"--{name}": value for name, value in changes.items()}
    words = [word for option in options.items() for word in option]
    return app.test_cli_runner().invoke(users, ["create-owner", *words, "--password-stdin"], input=f"{password}\n")


def test_a_new_installation_gets_its_first_owner(app: Flask, browser: Browser) -> None:
    result = create_owner(app)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "Ada Lovelace owns Studio Nord and can sign in as ada@example.com.\n"
    owner = service.authenticate(email="ada@example.com", password="twelve chars")
    assert (owner.role, owner.user.timezone) == ("owner", "Europe/Oslo")
    assert browser.sign_in(owner, password="twelve chars").status_code == 303


def test_the_zone_may_be_left_out(app: Flask) -> None:
    options = [word for name, value in GOOD.items() if name != "--timezone" for word in (name, value)]
    result = app.test_cli_runner().invoke(users, ["create-owner", *options, "--password-stdin"], input="twelve chars\n")
    assert result.exit_code == 0
    assert session().scalar(select(User.timezone)) == "UTC"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"password": "short"}, "--password: Choose a password of 12 to 256 characters."),
        ({"password": ""}, "--password: Choose a password of 12 to 256 characters."),
        ({"email": "ada"}, "--email: Give an e-mail address such as name@example.com."),
        ({"slug": "Studio Nord"}, "--slug: Use lower-case letters, digits and single hyphens"),
        ({"slug": "bookings"}, "--slug: Almanac uses this address itself; choose a different one."),
        ({"timezone": "Mars"}, "--timezone: Give a time zone by its IANA name"),
        ({"organization": " "}, "--organization: Give a name of 1 to 120 characters"),
        ({"name": ""}, "--name: Give a name of 1 to 120 characters"),
    ],
)
def test_bad_input_is_one_sentence_and_nothing_is_kept(app: Flask, changes: dict[str, str], sentence: str) -> None:
    result = create_owner(app, **changes)
    assert result.exit_code == 2
    assert result.stderr.startswith(sentence)
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""
    assert session().scalar(select(func.count()).select_from(Organization)) == 0


@pytest.mark.parametrize("option", GOOD)
@pytest.mark.parametrize("value", ["\udcff", "a\0b"])
def test_what_is_no_text_is_refused_in_one_sentence_naming_the_option(app: Flask, option: str, value: str) -> None:
    result = create_owner(app, **{option.removeprefix("--"): value})
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"{option} must be text in UTF-8, without NUL characters\n"


@pytest.mark.parametrize("option", GOOD)
def test_what_is_far_too_long_is_refused_too(app: Flask, option: str) -> None:
    result = create_owner(app, **{option.removeprefix("--"): "x" * 5000})
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert result.stderr.startswith(f"{option}: ")


def test_a_password_that_is_no_text_is_refused(app: Flask) -> None:
    words = [word for option in GOOD.items() for word in option]
    result = app.test_cli_runner().invoke(
        users, ["create-owner", *words, "--password-stdin"], input=b"twelve\xff chars\n"
    )
    assert (result.exit_code, result.stderr) == (2, "--password-stdin: The password must be text in UTF-8.\n")


def test_an_address_that_is_taken_is_refused(app: Flask) -> None:
    create_owner(app)
    assert create_owner(app, email="b@example.com").stderr.startswith("--slug: Another organisation")
    assert create_owner(app, slug="other").stderr.startswith("--email: There is an account")


def test_without_a_terminal_the_password_has_to_be_piped(app: Flask) -> None:
    words = [word for option in GOOD.items() for word in option]
    result = app.test_cli_runner().invoke(users, ["create-owner", *words], input="twelve chars\n")
    assert result.exit_code == 2
    assert result.stderr == "There is no terminal to ask for the password on; pipe it in with --password-stdin.\n"


def test_a_missing_option_is_named(app: Flask) -> None:
    result = app.test_cli_runner().invoke(users, ["create-owner", "--slug", "x"])
    assert result.exit_code == 2
    assert "Missing option '--organization'" in result.stderr


def add(app: Flask, *, password: str = "twelve chars", **changes: str) -> Result:
    options = {
        "organization": "studio-nord",
        "email": "ira@example.com",
        "name": "Ira Nord",
        "role": "auditor",
    } | changes
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    return app.test_cli_runner().invoke(users, ["add", *words, "--password-stdin"], input=f"{password}\n")


def test_another_person_gets_a_place_and_a_role(app: Flask) -> None:
    create_owner(app)
    result = add(app)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "Ira Nord is auditor of studio-nord and can sign in as ira@example.com.\n"
    added = service.authenticate(email="ira@example.com", password="twelve chars")
    assert (added.role, added.user.timezone, added.organization.slug) == ("auditor", "Europe/Oslo", "studio-nord")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"organization": "nobody"}, "--organization: There is no organisation called 'nobody'."),
        ({"email": "ada@example.com"}, "--email: "),
        ({"email": "nonsense"}, "--email: "),
        ({"name": " "}, "--name: "),
        ({"password": "short"}, "--password: "),
        ({"role": "king"}, "Invalid value for '--role'"),
    ],
)
def test_a_person_who_cannot_be_added_is_refused_in_one_sentence(
    app: Flask, changes: dict[str, str], said: str
) -> None:
    create_owner(app)
    result = add(app, **changes)
    assert result.exit_code == 2
    assert said in result.stderr
