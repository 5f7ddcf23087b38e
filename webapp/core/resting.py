"""Connections to the database that have lain in the pool: whether they still lead anywhere, mostly without asking.

A server that stops says so, and closes: then there is something to read on a connection on which nothing was asked.
To look costs one system call where SQLAlchemy's own ping costs an exchange with every transaction. Whatever lies in
between may forget a connection without a word, so after a longer rest the server is asked.
"""

from __future__ import annotations

import select
from time import monotonic
from typing import Any

import psycopg
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry

_ASK_AFTER_SECONDS = 10.0
_RESTS_SINCE = "almanac.rests_since"


def note_rest(_connection: object, record: ConnectionPoolEntry) -> None:
    """Listen to a pool's "checkin"."""
    record.info[_RESTS_SINCE] = monotonic()


def check_rested(connection: psycopg.Connection[Any], record: ConnectionPoolEntry, _fairy: object) -> None:
    """Listen to a pool's "checkout"; raises InvalidatePoolError when the server is gone, so that all are made anew."""
    rests_since = record.info.get(_RESTS_SINCE)
    if rests_since is None:
        return
    if monotonic() - rests_since < _ASK_AFTER_SECONDS and not _has_something_to_say(connection):
        return
    try:
        connection.autocommit = True
        connection.execute("SELECT 1")
        connection.autocommit = False
    except psycopg.Error as error:
        raise InvalidatePoolError from error


def _has_something_to_say(connection: psycopg.Connection[Any]) -> bool:
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
