"""Fills the database with bookings: `python -m bench.bookings.fill BOOKINGS HOSTS`, in an installation's environment.

Each host has as many as the others: half-hours without a gap, around the clock, up to FREE_FROM days from now. So the
hours of the days after that are free. Each booking has left behind what it does: a change, a job and its mail. In
tables that are all but empty, the database would plan to read them from end to end, and go on to as they fill.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import text

from bench.slots.studio import ZONE, add_event_type, add_host, copy_rows
from webapp import create_app
from webapp.core import clock
from webapp.core.db import db, session, transaction, uuid7
from webapp.identity.models import Organization
from webapp.scheduling.models import EventType

FREE_FROM = 3
HALF_AN_HOUR = timedelta(minutes=30)


def main(bookings: int, hosts: int) -> None:
    """Write an organisation with event types `talk-0`, `talk-1` and so on, one for each host, and the bookings."""
    with create_app().app_context():
        with transaction():
            organization = Organization(slug="bench", name="Bench", timezone=ZONE.key)
            session().add(organization)
            for number in range(hosts):
                schedule = add_host(organization, number)
                event_type = add_event_type(organization, schedule, f"talk-{number}")
                _fill(event_type, schedule.host_id, bookings // hosts)
        _settle_down()


def _settle_down() -> None:
    """Have the database do now what it would do by itself within minutes, beside what is measured."""
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
        connection.execute(text("CHECKPOINT"))


def _fill(event_type: EventType, host_id: UUID, bookings: int) -> None:
    today = datetime.combine(clock.now().date(), time(), UTC)
    last = today + timedelta(days=FREE_FROM)
    whose = (event_type.organization_id, event_type.id)
    rows = [(uuid7(), uuid7(), last - (number + 1) * HALF_AN_HOUR) for number in range(bookings)]
    copy_rows("meeting", ((meeting, *whose, start, start + HALF_AN_HOUR) for meeting, _, start in rows))
    copy_rows(
        "host_time",
        ((uuid7(), *whose, host_id, meeting, *(start, start + HALF_AN_HOUR) * 2) for meeting, _, start in rows),
    )
    guest = ("Grace Hopper", "grace@example.org", "America/New_York")
    copy_rows(
        "booking",
        (
            (booking, *whose, host_id, meeting, "confirmed", start, start + HALF_AN_HOUR, *guest, booking.hex)
            for meeting, booking, start in rows
        ),
    )
    _leave_behind(event_type.organization_id, [booking for _, booking, _ in rows])


def _leave_behind(organization_id: UUID, bookings: Sequence[UUID]) -> None:
    now, mail = clock.now(), "bookings.send_booking_confirmation_to_invitee"
    copy_rows(
        "booking_change",
        ((uuid7(), organization_id, booking, now, "confirmed", "guest", "{}") for booking in bookings),
    )
    copy_rows(
        "job_run",
        (
            (uuid7(), mail, "email", "high", f'{{"booking_id": "{booking}"}}', "succeeded", now, 1, now, now)
            for booking in bookings
        ),
    )
    sent = ("email", "confirmation", "grace@example.org", "sent")
    copy_rows(
        "delivery",
        ((uuid7(), organization_id, booking.hex, *sent, f"<{booking.hex}@bench>", now) for booking in bookings),
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
