"""Seats in meetings, and with them the hosts' time: taken and given up here, and nowhere else.

Whoever does so holds the locks of the hosts, so bookings of one host wait for each other and of no one else; should
anything ever write past the locks, the constraints of `meeting` and `host_time` refuse it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

from psycopg.errors import DeadlockDetected, ExclusionViolation, LockNotAvailable
from sqlalchemy import ARRAY, BigInteger, cast, delete, func, select, update
from sqlalchemy.exc import DBAPIError

from webapp.core import clock
from webapp.core.db import session
from webapp.identity.models import User
from webapp.scheduling.errors import BusyHost, SlotTaken
from webapp.scheduling.models import Booking, BookingHost, EventType, HostTime, Meeting
from webapp.scheduling.service.access import give_link
from webapp.scheduling.service.attendance import forget_attendance


@contextmanager
def hosts_turn(host_ids: Iterable[UUID]) -> Iterator[None]:
    """Write what the block did while nobody else changes these hosts' meetings; the locks last until the commit.

    Raises SlotTaken when the database refuses what was written, and BusyHost when the turn does not come in time.
    """
    keys = sorted({_lock_key(host_id) for host_id in host_ids})  # all in one order, so that no two wait for each other
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


def take_seat(*, booking: Booking, start: datetime, duration: int, hosts: Sequence[User]) -> None:
    """Give the booking its hosts, its time and a seat: in the meeting of its event type that begins then, or a new one.

    A new one takes the time of all `hosts` with the buffers around it, and the guest's link lasts for as long as it has
    to. `start` is aware, `duration` in minutes.
    """
    event_type = booking.event_type
    begins = start.astimezone(UTC)
    joined = _join(event_type, begins) if event_type.is_group else None
    _set_hosts(booking, hosts)
    booking.starts_at = begins
    if joined is None:
        booking.ends_at = begins + timedelta(minutes=duration)
        booking.meeting_id = _open(event_type, booking, hosts).id
    else:
        booking.meeting_id, booking.ends_at = joined
    give_link(booking=booking)


def _join(event_type: EventType, start: datetime) -> tuple[UUID, datetime] | None:
    """Take one more seat in the meeting that begins then; return its id and end, None when there is none to be had."""
    joined = session().execute(
        update(Meeting)
        .where(Meeting.event_type_id == event_type.id, Meeting.starts_at == start, Meeting.seats_taken < Meeting.seats)
        .values(seats_taken=Meeting.seats_taken + 1)
        .returning(Meeting.id, Meeting.ends_at)
    )
    row = joined.one_or_none()
    return row and (row.id, row.ends_at)


def _set_hosts(booking: Booking, hosts: Sequence[User]) -> None:
    booking.host, *others = hosts
    booking.host_id = booking.host.id
    known = {further.host_id: further for further in booking.further_hosts}
    booking.further_hosts = [
        known.get(host.id) or BookingHost(organization_id=booking.organization_id, host_id=host.id, host=host)
        for host in others
    ]


def _open(event_type: EventType, booking: Booking, hosts: Sequence[User]) -> Meeting:
    """Have a meeting take place, in which the booking has the first seat; a full one at that time refuses it."""
    meeting = Meeting(
        organization_id=event_type.organization_id,
        event_type_id=event_type.id,
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
        seats=event_type.seats,
        hosts=[_host_time(event_type, host, booking) for host in hosts],
    )
    session().add(meeting)
    return meeting


def set_seats(*, event_type: EventType) -> None:
    """Give the event type's meetings to come the seats it has now, or as many as are taken where that is more."""
    seats = func.greatest(event_type.seats, Meeting.seats_taken)
    ahead = (Meeting.event_type_id == event_type.id, Meeting.starts_at > clock.now())
    session().execute(update(Meeting).where(*ahead).values(seats=seats))


def leave_seat(*, booking: Booking) -> None:
    """Give up the booking's seat; with the last one the meeting goes, and the hosts have their time back.

    The booking is left to take another one, or to be cancelled; whoever had checked in to it has not to what comes.
    """
    forget_attendance(booking=booking)
    mine = Meeting.id == booking.meeting_id
    last = session().execute(delete(Meeting).where(mine, Meeting.seats_taken == 1).returning(Meeting.id)).all()
    if not last:
        session().execute(update(Meeting).where(mine).values(seats_taken=Meeting.seats_taken - 1))


def _host_time(event_type: EventType, host: User, booking: Booking) -> HostTime:
    """Return the time that the booking's meeting takes of one host."""
    apart_from = booking.starts_at - timedelta(minutes=event_type.buffer_before)
    apart_until = booking.ends_at + timedelta(minutes=event_type.buffer_after)
    among_own = event_type.buffers_among_own
    return HostTime(
        organization_id=event_type.organization_id,
        event_type_id=event_type.id,
        host_id=host.id,
        blocked_from=booking.starts_at if among_own else apart_from,
        blocked_until=booking.ends_at if among_own else apart_until,
        apart_from=apart_from,
        apart_until=apart_until,
    )


def _lock_key(host_id: UUID) -> int:
    name = b"booking-host:" + host_id.bytes
    return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), signed=True)
