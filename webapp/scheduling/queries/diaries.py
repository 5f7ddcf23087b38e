"""What the slot engine is told of meetings."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, Cast, cast, extract, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from webapp.core.db import session
from webapp.scheduling.models import (
    Booking,
    BookingStatus,
    HostTime,
    Meeting,
)
from webapp.scheduling.queries.holds import seats_let_go


class Held(NamedTuple):
    """A meeting in a host's diary, as `HostTime` has it, in UTC minutes rounded outward."""

    host_id: UUID
    event_type_id: UUID
    start: int
    end: int
    blocked_from: int
    blocked_until: int
    apart_from: int
    apart_until: int
    seats_left: int


def held_times(
    *,
    host_ids: Iterable[UUID],
    begin: datetime,
    until: datetime,
    leaving: UUID | None = None,
    own_hold: UUID | None = None,
) -> list[Held]:
    """Return the meetings that take time of the hosts between two instants (aware), buffers included.

    A host is one person in every organisation, so all of their meetings count. `leaving` is a meeting that somebody is
    about to leave: it is left out if they are the last in it, since it then goes with them. Seats whose hold has run
    out are free, and so is that of `own_hold`.
    """
    let_go = seats_let_go(own_hold)
    taken = Meeting.seats_taken - func.coalesce(let_go.c.seats, 0)
    statement = (
        select(
            *(HostTime.host_id, HostTime.event_type_id),
            *(_minute(Meeting.starts_at), _minute(Meeting.ends_at, up=True)),
            *(_minute(HostTime.blocked_from), _minute(HostTime.blocked_until, up=True)),
            *(_minute(HostTime.apart_from), _minute(HostTime.apart_until, up=True)),
            Meeting.seats - taken,
        )
        .join(Meeting, HostTime.meeting_id == Meeting.id)
        .outerjoin(let_go, let_go.c.meeting_id == Meeting.id)
        .where(HostTime.host_id.in_(host_ids), HostTime.apart_until > begin, HostTime.apart_from < until, taken > 0)
    )
    if leaving is not None:
        statement = statement.where(or_(Meeting.id != leaving, taken > 1))
    return [Held._make(row) for row in session().execute(statement)]


def _minute(column: InstrumentedAttribute[datetime], *, up: bool = False) -> Cast[int]:
    """Return the UTC minute of a column, the part of one counting as none, or as a whole one (`up`)."""
    rounded = func.ceil if up else func.floor
    return cast(rounded(extract("epoch", column) / 60), BigInteger)


def bookings_in_turn(*, event_type_id: UUID, since: datetime) -> dict[UUID, tuple[int, datetime]]:
    """Return, by host, how many bookings of the event type take place after `since` (aware), and when the last of them
    was made; hosts without any are left out.
    """
    rows = session().execute(
        select(Booking.host_id, func.count(), func.max(Booking.created_at))
        .where(
            Booking.event_type_id == event_type_id,
            Booking.status.in_((BookingStatus.CONFIRMED, BookingStatus.PENDING)),
            Booking.starts_at > since,
        )
        .group_by(Booking.host_id)
    )
    return {host_id: (count, last) for host_id, count, last in rows}
