"""What the slot engine is told of meetings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, Cast, Double, Select, bindparam, cast, extract, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from webapp.core.db import session
from webapp.scheduling.models import (
    Booking,
    BookingStatus,
    HostTime,
    Meeting,
)
from webapp.scheduling.queries.holds import DURING, seats_let_go, when
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
    asked = when(host_ids, begin, until) | {
        "event_type_id": event_type_id,
        "leaving": leaving,
        "own_hold": own_hold,
    }
    rows = session().execute(_BUSY, asked)
    busy = {host_id: list(zip(begins, ends, strict=True)) for host_id, begins, ends in rows}
    by_host: dict[UUID, list[Held]] = defaultdict(list)
    for meeting in map(Held._make, session().execute(_OWN, asked)):
        by_host[meeting.host_id].append(meeting)
    return Gone(by_host, busy)


def meeting_times(*, host_ids: Collection[UUID], begin: datetime, until: datetime) -> dict[UUID, list[Span]]:
    """Return when the hosts' meetings take place that take time between two instants (aware), buffers left out."""
    times: dict[UUID, list[Span]] = defaultdict(list)
    for host_id, start, end in session().execute(_MEETINGS, when(host_ids, begin, until) | {"own_hold": None}):
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


def _own() -> Select[UUID, int, int, int, int, int]:
    """The meetings of the event type, but the one that its last guest is `leaving`."""
    let_go = seats_let_go()
    taken = Meeting.seats_taken - func.coalesce(let_go.c.seats, 0)
    return (
        select(
            HostTime.host_id,
            *(_minute(Meeting.starts_at), _minute(Meeting.ends_at, up=True)),
            *(_minute(HostTime.apart_from), _minute(HostTime.apart_until, up=True)),
            Meeting.seats - taken,
        )
        .join(Meeting, HostTime.meeting_id == Meeting.id)
        .outerjoin(let_go, let_go.c.meeting_id == Meeting.id)
        .where(*DURING, HostTime.event_type_id == bindparam("event_type_id"), taken > 0)
        .where(or_(Meeting.id.is_distinct_from(bindparam("leaving")), taken > 1))
    )


def _busy() -> Select[UUID, Sequence[int], Sequence[int]]:
    """The time that all others block: a row for each host and not for each meeting, of which a team has thousands."""
    let_go = seats_let_go()
    wholly_let_go = (
        select(Meeting.id)
        .join(let_go, let_go.c.meeting_id == Meeting.id)
        .where(Meeting.seats_taken <= func.coalesce(let_go.c.seats, 0))
    )
    return (
        select(
            HostTime.host_id,
            func.array_agg(_minute(HostTime.blocked_from)),
            func.array_agg(_minute(HostTime.blocked_until, up=True)),
        )
        .where(*DURING, HostTime.event_type_id != bindparam("event_type_id"))
        .where(HostTime.meeting_id.not_in(wholly_let_go))
        .group_by(HostTime.host_id)
    )


def _meetings() -> Select[UUID, int, int]:
    let_go = seats_let_go()
    return (
        select(HostTime.host_id, _minute(Meeting.starts_at), _minute(Meeting.ends_at, up=True))
        .join(Meeting, HostTime.meeting_id == Meeting.id)
        .outerjoin(let_go, let_go.c.meeting_id == Meeting.id)
        .where(*DURING, Meeting.seats_taken > func.coalesce(let_go.c.seats, 0))
    )


# Made once: every booking asks them, and everybody for whom open times are worked out.
_OWN, _BUSY, _MEETINGS = _own(), _busy(), _meetings()
