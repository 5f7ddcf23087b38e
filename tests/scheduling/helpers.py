"""What the tests of scheduling say often."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask.testing import FlaskClient
from sqlalchemy import event, select, text
from werkzeug.test import TestResponse

from tests.factories import member
from webapp.core import clock
from webapp.core.db import db, session, transaction
from webapp.identity.models import Membership, Scope
from webapp.identity.service import create_api_token
from webapp.scheduling.models import Booking, EventType, HostTime
from webapp.scheduling.service.booking import book
from webapp.scheduling.service.guests import Guest

BERLIN = ZoneInfo("Europe/Berlin")
GUEST = Guest(name="Ada Lovelace", email="ada@example.com", timezone="Europe/Berlin")


def in_days(days: int) -> date:
    """The date so many days from today in Berlin."""
    return clock.now().astimezone(BERLIN).date() + timedelta(days=days)


def at(hour: int, minute: int = 0, *, days: int = 2) -> datetime:
    """A time of day in Berlin, two days from now."""
    return datetime.combine(in_days(days), time(hour, minute), BERLIN)


def address(kind: EventType) -> str:
    return f"/api/v1/public/{kind.organization.slug}/{kind.slug}"


def body(start: datetime, **changes: Any) -> dict[str, Any]:
    """What a guest's widget sends to book."""
    invitee = {"name": "Ada Lovelace", "email": "ada@example.com"}
    return {"start": start.isoformat(), "timezone": "Europe/Berlin", "invitee": invitee} | changes


def slots(client: FlaskClient, kind: EventType, day: date, *, zone: str = "Europe/Berlin") -> list[str]:
    """The starts that the API offers on a day."""
    query = {"start": day.isoformat(), "end": day.isoformat(), "timezone": zone}
    answer = client.get(f"{address(kind)}/slots", query_string=query)
    assert answer.status_code == 200, answer.text
    return [slot["start"] for slot in answer.get_json()["slots"]]


def booked(kind: EventType, start: datetime | None = None) -> Booking:
    """A booking of Ada's, at ten in two days unless told otherwise."""
    with transaction():
        return book(event_type=kind, start=start or at(10), guest=GUEST, answers={})


def time_of(booking: Booking) -> HostTime:
    """The time that a booking's meeting takes of its one host."""
    return session().scalars(select(HostTime).filter_by(meeting_id=booking.meeting_id)).one()


def token_of(booking_answer: TestResponse) -> str:
    """The manage token that a booking was answered with."""
    url: str = booking_answer.get_json()["manage_url"]
    return url.rpartition("/")[2]


def bearer(of: Membership | None = None, *scopes: Scope) -> dict[str, str]:
    """The headers of a program with a member's token, with every scope unless some are named."""
    holder = of or member()
    wanted = scopes or (Scope.BOOKINGS_READ, Scope.BOOKINGS_WRITE, Scope.EVENT_TYPES_READ)
    with transaction():
        _, secret = create_api_token(membership=holder, name="test", scopes=wanted)
    return {"Authorization": f"Bearer {secret}"}


def refused(answer: TestResponse, status: int, code: str, *fields: str) -> None:
    """The answer is a problem document with this status and code that names these fields."""
    document = answer.get_json()
    assert (answer.status_code, document["code"]) == (status, code), answer.text
    assert answer.content_type == "application/problem+json"
    assert document["status"] == status
    assert document["title"]
    assert sorted(fault["field"] for fault in document.get("errors", [])) == sorted(fields)
    assert all(fault["message"] for fault in document.get("errors", []))


@contextmanager
def counted_queries() -> Iterator[list[str]]:
    """Every statement that the block sends to the database."""
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def until_somebody_waits() -> None:
    """Return once a session of the database waits for a lock of another one."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    patience = clock.now() + timedelta(seconds=10)
    while clock.now() < patience:
        with db.engine.connect() as connection:
            if connection.scalar(waiting):
                return
    raise AssertionError("nobody waited for a lock")
