"""What is read outside a transaction is what is committed, and what a transaction has begun goes on."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import text

from tests.factories import organization
from webapp.core.db import reading, session
from webapp.identity.models import Organization

STATEMENT_BY_STATEMENT = text("SELECT statement_timestamp() = transaction_timestamp()")


def _alone() -> bool:
    """True when the last of two statements is a transaction of its own."""
    session().execute(text("SELECT 1"))
    return bool(session().scalar(STATEMENT_BY_STATEMENT))


def test_each_statement_stands_alone_and_the_session_is_as_before_afterwards(app: Flask) -> None:
    made = organization()
    session().rollback()
    with reading():
        found = session().get(Organization, made.id)
        assert _alone()
    assert found is not None
    assert found.name == made.name
    assert not session().in_transaction()
    assert not _alone()


def test_what_has_begun_goes_on(app: Flask) -> None:
    made = organization()
    name = made.name
    made.name = "Changed"
    with reading():
        session().flush()
        assert not _alone()
    session().rollback()
    session().refresh(made)
    assert made.name == name
