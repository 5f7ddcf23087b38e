"""A connection that has lain in the pool is asked when there is reason to doubt it, and replaced when it is dead."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from flask import Flask
from sqlalchemy import text

from tests.conftest import Servers
from webapp.core import resting
from webapp.core.db import db


@pytest.fixture(autouse=True)
def empty_pool(app: Flask) -> None:
    db.session.remove()
    db.engine.dispose()


@pytest.fixture
def watcher(servers: Servers) -> Iterator[psycopg.Connection[tuple[str]]]:
    """A connection that is none of the pool's."""
    with psycopg.connect(servers.postgres.url, autocommit=True) as connection:
        yield connection


def _own_backend() -> int:
    with db.engine.connect() as connection:
        return int(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())


def _last_said(watcher: psycopg.Connection[tuple[str]], backend: int) -> str:
    """What a backend was last told, as it is used again."""
    with db.engine.connect():
        found = watcher.execute("SELECT query FROM pg_stat_activity WHERE pid = %s", [backend]).fetchone()
    assert found is not None
    return found[0]


def test_a_connection_that_was_used_just_now_is_not_asked(watcher: psycopg.Connection[tuple[str]]) -> None:
    assert _last_said(watcher, _own_backend()) == "ROLLBACK"


def test_after_a_rest_it_is_asked(watcher: psycopg.Connection[tuple[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    backend = _own_backend()
    monkeypatch.setattr(resting, "_ASK_AFTER_SECONDS", 0.0)
    assert _last_said(watcher, backend) == "SELECT 1"


@pytest.mark.parametrize("seconds", [10.0, 0.0])
def test_one_that_the_server_has_closed_is_replaced_unseen(
    watcher: psycopg.Connection[tuple[str]], monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    monkeypatch.setattr(resting, "_ASK_AFTER_SECONDS", seconds)
    backend = _own_backend()
    watcher.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])
    assert _own_backend() != backend


def test_all_others_of_that_time_are_replaced_with_it(watcher: psycopg.Connection[tuple[str]]) -> None:
    with db.engine.connect() as first, db.engine.connect() as second:
        backends = {int(each.execute(text("SELECT pg_backend_pid()")).scalar_one()) for each in (first, second)}
    watcher.execute("SELECT pg_terminate_backend(pid, 5000) FROM unnest(%s::int[]) AS pid", [list(backends)])
    with db.engine.connect() as first, db.engine.connect() as second:
        now = {int(each.execute(text("SELECT pg_backend_pid()")).scalar_one()) for each in (first, second)}
    assert not now & backends
