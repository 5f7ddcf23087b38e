"""Seats in meetings, and with them the hosts' time: taken and given up here, and nowhere else.

Whoever does so holds the locks of the hosts, so bookings of one host wait for each other and of no one else; should
anything ever write past the locks, the constraints of `meeting` and `host_time` refuse it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

from psycopg.errors import DeadlockDetected, ExclusionViolation, LockNotAvailable
from sqlalchemy import ARRAY, BigInteger, cast, delete, func, select, update
from sqlalchemy.exc import DBAPIError

from webapp.core.db import session
from webapp.scheduling.errors import BusyHost, SlotTaken
from webapp.scheduling.models import Booking, EventType, HostTime, Meeting


@contextmanager
def hosts_turn(host_ids: Collection[UUID]) -> Iterator[None]:
    """Write what the block did while nobody else changes these hosts' meetings; the locks last until the commit.

    Raises SlotTaken when the database refuses what was written, and BusyHost when the turn does not come in time.
    """
    keys = sorted(_lock_key(host_id) for host_id in host_ids)  # all in one order, so that no two wait for each other
    try:
        session().execute(select(func.pg_advisory_xact_lock(func.unnest(cast(keys, ARRAY(BigInteger))))))
        yield
        session().flush()
    except DBAPIError as error:
        if isinstance(error.orig, ExclusionViolation | DeadlockDetected):
            raise SlotTaken from error
        if isinstance(error.orig, LockNotAvailable):
            raise BusyHost from error
        raise


def take_seat(*, booking: Booking, event_type: EventType, start: datetime, duration: int) -> None:
    """Give the booking its time and a seat in a meeting then, which takes the host's time with the buffers around it.

    `start` is aware, `duration` in minutes. The booking is written too. Raises SlotTaken.
    """
    booking.starts_at = start.astimezone(UTC)
    booking.ends_at = booking.starts_at + timedelta(minutes=duration)
    meeting = Meeting(
        organization_id=event_type.organization_id,
        event_type_id=event_type.id,
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
        hosts=[_host_time(event_type, booking.host_id, booking)],
    )
    session().add(meeting)
    booking.meeting_id = meeting.id


def leave_seat(*, booking: Booking) -> None:
    """Give up the booking's seat; with the last one the meeting goes, and the hosts have their time back."""
    meeting_id, booking.meeting_id = booking.meeting_id, None
    mine = Meeting.id == meeting_id
    with session().no_autoflush:  # a booking without a meeting is no booking that stands
        last = session().execute(delete(Meeting).where(mine, Meeting.seats_taken == 1).returning(Meeting.id)).all()
        if not last:
            session().execute(update(Meeting).where(mine).values(seats_taken=Meeting.seats_taken - 1))


def _host_time(event_type: EventType, host_id: UUID, booking: Booking) -> HostTime:
    """Return the time that the booking's meeting takes of one host."""
    apart_from = booking.starts_at - timedelta(minutes=event_type.buffer_before)
    apart_until = booking.ends_at + timedelta(minutes=event_type.buffer_after)
    among_own = event_type.buffers_among_own
    return HostTime(
        organization_id=event_type.organization_id,
        event_type_id=event_type.id,
        host_id=host_id,
        blocked_from=booking.starts_at if among_own else apart_from,
        blocked_until=booking.ends_at if among_own else apart_until,
        apart_from=apart_from,
        apart_until=apart_until,
    )


def _lock_key(host_id: UUID) -> int:
    name = b"booking-host:" + host_id.bytes
    return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), signed=True)
