"""What a savepoint takes back is not done after the commit either; all else is."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest
from flask import Flask

from tests.factories import organization
from webapp.core.db import after_commit, gather_for_commit, savepoint, session, transaction
from webapp.identity.models import Organization


class Regret(Exception):
    """The block is to be taken back."""


@pytest.fixture
def said(app: Flask) -> list[str]:
    return []


def say(said: list[str], word: str) -> Callable[[], None]:
    return lambda: said.append(word)


def test_what_was_asked_for_in_a_block_that_fails_is_not_done(said: list[str]) -> None:
    made = organization()
    name = made.name
    with transaction():
        after_commit(say(said, "before"))
        with suppress(Regret), savepoint():
            made.name = "Changed"
            after_commit(say(said, "inside"))
            raise Regret
        after_commit(say(said, "after"))
    assert said == ["before", "after"]
    assert session().get_one(Organization, made.id, populate_existing=True).name == name


def test_what_was_asked_for_in_a_block_that_goes_well_is_done(said: list[str]) -> None:
    with transaction(), savepoint():
        after_commit(say(said, "inside"))
    assert said == ["inside"]


def test_of_what_is_gathered_only_what_stands_is_handed_over(said: list[str]) -> None:
    other: list[str] = []
    with transaction():
        gather_for_commit(said.extend, "a")
        with suppress(Regret), savepoint():
            gather_for_commit(said.extend, "b")
            gather_for_commit(other.extend, "lost")
            raise Regret
        gather_for_commit(said.extend, "c")
        gather_for_commit(other.extend, "found")
    assert (said, other) == (["a", "c"], ["found"])


def test_a_savepoint_needs_no_edge_around_it(said: list[str]) -> None:
    with suppress(Regret), savepoint():
        raise Regret
    session().rollback()
