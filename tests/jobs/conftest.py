"""A table that jobs leave their marks in, and a worker that works until nothing is left to do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import text

from webapp.core.db import session, transaction


@pytest.fixture
def effects(app: Flask) -> Iterator[Flask]:
    """The application, with a table that counts effects."""
    with transaction():
        session().execute(text("CREATE TABLE IF NOT EXISTS effect (mark text PRIMARY KEY, times int NOT NULL)"))
        session().execute(text("TRUNCATE effect"))
    yield app
    session().rollback()
