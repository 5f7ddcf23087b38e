"""Seats in meetings, and with them the hosts' time: taken and given up here, and nowhere else.

Whoever does so holds the locks of the hosts, so bookings of one host wait for each other and of no one else; should
anything ever write past the locks, the constraints of `meeting` and `host_time` refuse it.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import NamedTuple
from uuid import UUID

from psycopg.errors import DeadlockDetected, ExclusionViolation, LockNotAvailable
from sqlalchemy import ARRAY, BigInteger, ColumnElement, bindparam, delete, func, select, update
from sqlalchemy.exc import DBAPIError

from webapp.core import clock
from webapp.core.db import session
from webapp.core.events import publish
from webapp.identity.models import User
from webapp.scheduling.errors import BusyHost, SlotTaken
from webapp.scheduling.events import AvailabilityChanged, Change
from webapp.scheduling.models import Booking, BookingHost, EventType, Hold, HostTime, Meeting
from webapp.scheduling.service.access import give_link
from webapp.scheduling.service.attendance import forget_attendance

# In seconds. Whoever waited for less is as good as simultaneous with whoever changed something meanwhile.
LONG_WAIT = 0.1

# Made once, for every booking takes them.
_LOCK = select(func.pg_advisory_xact_lock(func.unnest(bindparam("keys", type_=ARRAY(BigInteger)))))
_EXPIRED = (
    delete(Hold)
    .where(Hold.expires_at <= bindparam("now"))
    .where(
        Hold.meeting_id.in_(
            select(HostTime.meeting_id).where(HostTime.host_id.in_(bindparam("host_ids", expanding=True)))
        )
    )
    .returning(Hold.meeting_id)
)


@contextmanager
def hosts_turn(host_ids: Iterable[UUID]) -> Iterator[bool]:
    """Write what the block did while nobody else changes these hosts' meetings; the locks last until the commit.

    The block is told whether its turn was long in coming, so that what was read before may not be so any more.
    Raises SlotTaken when the database refuses what was written, and BusyHost when the turn does not come in time.
    """
    keys = sorted({_lock_key(host_id) for host_id in host_ids})  # all in one order, so that no two wait for each other
    try:
        began = monotonic()
        session().execute(_LOCK, {"keys": keys})
        yield monotonic() - began > LONG_WAIT
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
    seat = _seat(booking.event_type, start, duration, hosts)
    _set_hosts(booking, hosts)
    booking.meeting_id, booking.starts_at, booking.ends_at = seat
    give_link(booking=booking)
    _tell(booking)


def hold_seat(*, hold: Hold, event_type: EventType, start: datetime, duration: int, hosts: Sequence[User]) -> None:
    """Give the hold its time and a seat, as `take_seat` does for a booking."""
    hold.meeting_id, hold.starts_at, hold.ends_at = _seat(event_type, start, duration, hosts)
    session().flush()  # the meeting, which the hold's row is held to
    session().add(hold)


class _Seat(NamedTuple):
    """A seat that was taken; both ends are aware."""

    meeting_id: UUID
    starts_at: datetime
    ends_at: datetime


def _seat(event_type: EventType, start: datetime, duration: int, hosts: Sequence[User]) -> _Seat:
    begins = start.astimezone(UTC)
    _remove_expired(host_ids=[host.id for host in hosts])
    joined = _join(event_type, begins) if event_type.is_group else None
    return joined or _open(event_type, begins, begins + timedelta(minutes=duration), hosts)


def _join(event_type: EventType, start: datetime) -> _Seat | None:
    """Take one more seat in the meeting that begins then; return None when there is none to be had."""
    joined = session().execute(
        update(Meeting)
        .where(Meeting.event_type_id == event_type.id, Meeting.starts_at == start, Meeting.seats_taken < Meeting.seats)
        .values(seats_taken=Meeting.seats_taken + 1)
        .returning(Meeting.id, Meeting.starts_at, Meeting.ends_at)
    )
    row = joined.one_or_none()
    return row and _Seat._make(row)


def _set_hosts(booking: Booking, hosts: Sequence[User]) -> None:
    booking.host, *others = hosts
    booking.host_id = booking.host.id
    known = {further.host_id: further for further in booking.further_hosts}
    booking.further_hosts = [
        known.get(host.id) or BookingHost(organization_id=booking.organization_id, host_id=host.id, host=host)
        for host in others
    ]


def _open(event_type: EventType, begins: datetime, ends: datetime, hosts: Sequence[User]) -> _Seat:
    """Have a meeting take place and take the first seat in it; a full one at that time refuses it."""
    meeting = Meeting(
        organization_id=event_type.organization_id,
        event_type_id=event_type.id,
        starts_at=begins,
        ends_at=ends,
        seats=event_type.seats,
        hosts=[_host_time(event_type, host, begins, ends) for host in hosts],
    )
    session().add(meeting)
    return _Seat(meeting.id, begins, ends)


def set_seats(*, event_type: EventType) -> None:
    """Give the event type's meetings to come the seats it has now, or as many as are taken where that is more.

    Raises BusyHost.
    """
    seats = func.greatest(event_type.seats, Meeting.seats_taken)
    others = (Meeting.event_type_id == event_type.id, Meeting.starts_at > clock.now(), Meeting.seats != seats)
    with hosts_turn(host.id for host in event_type.hosts):
        _remove(Hold.event_type_id == event_type.id, Hold.expires_at <= clock.now())
        session().execute(update(Meeting).where(*others).values(seats=seats))


def leave_seat(*, booking: Booking) -> None:
    """Give up the booking's seat; with the last one the meeting goes, and the hosts have their time back.

    The booking is left to take another one, or to be cancelled; whoever had checked in to it has not to what comes.
    """
    forget_attendance(booking=booking)
    _tell(booking)
    _give_up(booking.meeting_id, seats=1)


def leave_held_seat(*, hold: Hold) -> None:
    """Give up the seat that was held, and the hold; once only, whoever else does the same."""
    _remove(Hold.id == hold.id)


def remove_holds(*, event_type: EventType) -> None:
    """Give up every seat of the event type that is held and not booked; raises BusyHost."""
    with hosts_turn(host.id for host in event_type.hosts):
        _remove(Hold.event_type_id == event_type.id)


def _remove_expired(*, host_ids: Sequence[UUID]) -> None:
    """Make room: what has run out is no longer offered by itself, but its rows would still refuse an overlap."""
    _give_up_each(session().connection().execute(_EXPIRED, {"host_ids": list(host_ids), "now": clock.now()}).scalars())


def _remove(*which: ColumnElement[bool]) -> None:
    """Delete holds, and give up the seat of each that this very transaction deleted."""
    removed = delete(Hold).where(*which).returning(Hold.meeting_id)
    _give_up_each(session().scalars(removed, execution_options={"synchronize_session": False}))


def _give_up_each(meeting_ids: Iterable[UUID]) -> None:
    for meeting_id, seats in sorted(Counter(meeting_ids).items()):
        _give_up(meeting_id, seats=seats)


def _give_up(meeting_id: UUID | None, *, seats: int) -> None:
    this = Meeting.id == meeting_id
    last = session().execute(delete(Meeting).where(this, Meeting.seats_taken == seats).returning(Meeting.id)).all()
    if not last:
        session().execute(update(Meeting).where(this).values(seats_taken=Meeting.seats_taken - seats))


def _tell(booking: Booking) -> None:
    """Say that the hosts are free at other times now."""
    hosts = tuple(host.id for host in booking.hosts)
    publish(AvailabilityChanged(change=Change.BOOKING, host_ids=hosts, begin=booking.starts_at, until=booking.ends_at))


def _host_time(event_type: EventType, host: User, begins: datetime, ends: datetime) -> HostTime:
    """Return the time that a meeting takes of one host."""
    apart_from = begins - timedelta(minutes=event_type.buffer_before)
    apart_until = ends + timedelta(minutes=event_type.buffer_after)
    among_own = event_type.buffers_among_own
    return HostTime(
        organization_id=event_type.organization_id,
        event_type_id=event_type.id,
        host_id=host.id,
        blocked_from=begins if among_own else apart_from,
        blocked_until=ends if among_own else apart_until,
        apart_from=apart_from,
        apart_until=apart_until,
    )


def _lock_key(host_id: UUID) -> int:
    name = b"booking-host:" + host_id.bytes
    return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), signed=True)
