"""One meeting to write mails about: Gus in New York books half an hour with Ada in Berlin. Nothing of it is stored."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import configure_mappers

from webapp.identity.models import Membership, Organization, Role, User
from webapp.operations.models import Alert, AlertKind
from webapp.scheduling.models import (
    AvailabilityReport,
    Booking,
    BookingSeries,
    BookingStatus,
    EventType,
    Frequency,
    Side,
    WaitlistEntry,
    WaitStatus,
)

configure_mappers()  # the very first object of a process draws its id before its mapper is ready

START = datetime(2026, 11, 24, 13, 30, tzinfo=UTC)
END = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
WEEK = timedelta(weeks=1)
EARLIER = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)

QUESTIONS = [
    {"key": "topic", "label": "What would you like to talk about?", "required": True, "long": True},
    {"key": "company", "label": "Company", "required": False, "long": False},
]


def booking(*, event: dict[str, Any] | None = None, host: dict[str, Any] | None = None, **changes: Any) -> Booking:
    """The meeting, with `changes` to the booking, to its `event` type and to its `host`."""
    organization = Organization(slug="north-studio", name="North Studio", timezone="Europe/Berlin")
    person = {"email": "ada@north.example", "name": "Ada Berg", "timezone": "Europe/Berlin"}
    kind = {
        "slug": "first-talk",
        "name": "First talk",
        "description": "Half an hour to find out what you need.",
        "duration": 30,
        "location": "https://meet.example/ada",
        "questions": QUESTIONS,
        "cancel_notice": 0,
        "reschedule_notice": 0,
    }
    hosting = User(**(person | (host or {})))
    values = {
        "id": UUID("0193a1f0-0000-7000-8000-000000000001"),
        "organization_id": organization.id,
        "event_type": EventType(organization=organization, host=hosting, **(kind | (event or {}))),
        "host": hosting,
        "status": BookingStatus.CONFIRMED,
        "starts_at": START,
        "ends_at": END,
        "sequence": 0,
        "was_confirmed": True,
        "guest_name": "Gus Grün",
        "guest_email": "gus@example.com",
        "guest_phone": "+12125550123",
        "guest_timezone": "America/New_York",
        "answers": {"topic": "The new web site.\nAnd what it costs, <roughly> & honestly.", "company": "Grün & Söhne"},
        "cancel_reason": "",
        "decline_reason": "",
    }
    return Booking(**(values | changes))


def alert(**changes: Any) -> Alert:
    """A job that takes too long."""
    values = {
        "id": UUID("0193a1f0-0000-7000-8000-00000000000a"),
        "kind": AlertKind.SLOW_JOB,
        "subject": "billing.export_invoices",
        "value": 93.4,
        "limit_value": 30.0,
        "raised_at": EARLIER,
    }
    return Alert(**(values | changes))


def report() -> AvailabilityReport:
    """Two things that do not add up."""
    findings = [
        {"kind": "without_hours", "about": "First <talk>", "path": "/app/event-types/0193a1f0"},
        {"kind": "overlapping_hours", "about": "Ada Berg", "path": "/app/availability"},
    ]
    return AvailabilityReport(id=UUID("0193a1f0-0000-7000-8000-00000000000b"), taken_at=EARLIER, findings=findings)


def operator() -> Membership:
    """Who looks after the installation."""
    return Membership(
        organization=Organization(slug="north-studio", name="North Studio", timezone="Europe/Berlin"),
        user=User(email="ada@north.example", name="Ada Berg", timezone="Europe/Berlin"),
        role=Role.OWNER,
    )


def moved() -> Booking:
    return booking(sequence=1)


def weekly(**changes: Any) -> list[Booking]:
    """The meeting, four weeks in a row."""
    series = BookingSeries(frequency=Frequency.WEEKLY, timezone="Europe/Berlin")
    return [
        booking(starts_at=START + number * WEEK, ends_at=END + number * WEEK, series=series, **changes)
        for number in range(4)
    ]


def cancelled_series() -> list[Booking]:
    gone = {"status": BookingStatus.CANCELLED, "sequence": 1, "cancelled_by": Side.GUEST, "cancelled_at": EARLIER}
    return weekly(**gone, was_confirmed=True)


def cancelled(*, by: Side, reason: str = "") -> Booking:
    return booking(
        status=BookingStatus.CANCELLED, sequence=1, cancelled_by=by, cancelled_at=EARLIER, cancel_reason=reason
    )


def pending(*, was_confirmed: bool = False, **changes: Any) -> Booking:
    sequence = 2 if was_confirmed else 0
    return booking(status=BookingStatus.PENDING, was_confirmed=was_confirmed, sequence=sequence, **changes)


def withdrawn() -> Booking:
    return booking(
        status=BookingStatus.CANCELLED,
        sequence=1,
        was_confirmed=False,
        cancelled_by=Side.GUEST,
        cancelled_at=EARLIER,
    )


def declined(*, by: Side | None, reason: str = "") -> Booking:
    return booking(
        status=BookingStatus.DECLINED,
        sequence=1,
        was_confirmed=False,
        declined_by=by,
        declined_at=EARLIER,
        decline_reason=reason,
    )


def waiting(*, day: date | None = None, status: WaitStatus = WaitStatus.WAITING, locale: str = "") -> WaitlistEntry:
    """Gus waits for the same half hour, or for the whole `day`; any other status than waiting has had an offer."""
    of = booking()
    offered = status is not WaitStatus.WAITING
    return WaitlistEntry(
        id=UUID("0193a1f0-0000-7000-8000-000000000002"),
        organization_id=of.organization_id,
        event_type=of.event_type,
        status=status,
        wanted_from=START,
        wanted_until=END,
        day=day,
        duration=30,
        guest_name=of.guest_name,
        guest_email=of.guest_email,
        guest_timezone=of.guest_timezone,
        guest_locale=locale,
        answers={},
        offered_start=START if offered else None,
        offer_expires_at=EARLIER if offered else None,
    )
