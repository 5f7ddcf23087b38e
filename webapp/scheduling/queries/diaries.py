"""What the slot engine is told of meetings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, Cast, Double, cast, extract, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from webapp.core.db import session
from webapp.scheduling.models import (
    Booking,
    BookingStatus,
    HostTime,
    Meeting,
)
from webapp.scheduling.queries.holds import seats_let_go
from webapp.scheduling.slots import Span


class Held(NamedTuple):
    """A meeting of the event type that was asked for, in a host's diary, in UTC minutes rounded outward."""

    host_id: UUID
    start: int
    end: int
    apart_from: int
    apart_until: int
    seats_left: int


class Gone(NamedTuple):
    """What of some hosts' time is gone, by host: meetings of one event type, and the time that all others block."""

    own: Mapping[UUID, Sequence[Held]]
    busy: Mapping[UUID, Sequence[Span]]


NOTHING_GONE = Gone({}, {})


def held_times(
    *,
    host_ids: Collection[UUID],
    event_type_id: UUID,
    begin: datetime,
    until: datetime,
    leaving: UUID | None = None,
    own_hold: UUID | None = None,
) -> Gone:
    """Return the meetings that take time of the hosts between two instants (aware), buffers included.

    A host is one person in every organisation, so all of their meetings count. `leaving` is a meeting that somebody is
    about to leave: it is left out if they are the last in it, since it then goes with them. Seats whose hold has run
    out are free, and so is that of `own_hold`.
    """
    let_go = seats_let_go(own_hold)
    taken = Meeting.seats_taken - func.coalesce(let_go.c.seats, 0)
    during = (HostTime.host_id.in_(host_ids), HostTime.apart_until > begin, HostTime.apart_from < until)
    own = (
        select(
            HostTime.host_id,
            *(_minute(Meeting.starts_at), _minute(Meeting.ends_at, up=True)),
            *(_minute(HostTime.apart_from), _minute(HostTime.apart_until, up=True)),
            Meeting.seats - taken,
        )
        .join(Meeting, HostTime.meeting_id == Meeting.id)
        .outerjoin(let_go, let_go.c.meeting_id == Meeting.id)
        .where(*during, HostTime.event_type_id == event_type_id, taken > 0)
    )
    if leaving is not None:
        own = own.where(or_(Meeting.id != leaving, taken > 1))
    wholly_let_go = select(Meeting.id).join(let_go, let_go.c.meeting_id == Meeting.id).where(taken <= 0)
    # A row for each host and not for each meeting: a team's diaries hold tens of thousands.
    others = (
        select(
            HostTime.host_id,
            func.array_agg(_minute(HostTime.blocked_from)),
            func.array_agg(_minute(HostTime.blocked_until, up=True)),
        )
        .where(*during, HostTime.event_type_id != event_type_id, HostTime.meeting_id.not_in(wholly_let_go))
        .group_by(HostTime.host_id)
    )
    busy = {host_id: list(zip(begins, ends, strict=True)) for host_id, begins, ends in session().execute(others)}
    by_host: dict[UUID, list[Held]] = defaultdict(list)
    for meeting in map(Held._make, session().execute(own)):
        by_host[meeting.host_id].append(meeting)
    return Gone(by_host, busy)


def meeting_times(*, host_ids: Collection[UUID], begin: datetime, until: datetime) -> dict[UUID, list[Span]]:
    """Return when the hosts' meetings take place that take time between two instants (aware), buffers left out."""
    let_go = seats_let_go(None)
    rows = session().execute(
        select(HostTime.host_id, _minute(Meeting.starts_at), _minute(Meeting.ends_at, up=True))
        .join(Meeting, HostTime.meeting_id == Meeting.id)
        .outerjoin(let_go, let_go.c.meeting_id == Meeting.id)
        .where(
            *(HostTime.host_id.in_(host_ids), HostTime.apart_until > begin, HostTime.apart_from < until),
            Meeting.seats_taken > func.coalesce(let_go.c.seats, 0),
        )
    )
    times: dict[UUID, list[Span]] = defaultdict(list)
    for host_id, start, end in rows:
        times[host_id].append((start, end))
    return times


def _minute(column: InstrumentedAttribute[datetime], *, up: bool = False) -> Cast[int]:
    """Return the UTC minute of a column, the part of one counting as none, or as a whole one (`up`)."""
    rounded = func.ceil if up else func.floor
    return cast(rounded(cast(extract("epoch", column), Double) / 60), BigInteger)  # as numeric it takes twice as long


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
