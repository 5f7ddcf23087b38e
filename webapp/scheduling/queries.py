"""Everything that is read about event types, schedules and bookings; each function costs a fixed number of queries."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, Cast, ColumnElement, Select, cast, extract, func, or_, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, contains_eager, joinedload, selectinload
from sqlalchemy.orm.strategy_options import _AbstractLoad  # what its own methods take and return

from webapp.core import clock
from webapp.core.crypto import digest
from webapp.core.db import session
from webapp.core.errors import NotFound
from webapp.core.pagination import PAGE_SIZE, Cursor, Page
from webapp.core.scope import find_scoped, scoped
from webapp.identity.models import Organization
from webapp.scheduling.models import (
    Booking,
    BookingHost,
    BookingStatus,
    EventHost,
    EventType,
    HostTime,
    Meeting,
    Schedule,
)

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def _with_schedule() -> _AbstractLoad:
    """Load the schedule with its hours and overrides, so that slots can be worked out without another query."""
    return joinedload(EventType.schedule, innerjoin=True)


def _with_team() -> _AbstractLoad:
    """Load who hosts, without the hours that they keep."""
    return selectinload(EventType.team).lazyload(EventHost.schedule)


# What guests see ------------------------------------------------------------------------------------------------------


def public_organization(slug: str) -> Organization:
    """Return the organisation with this address; raises NotFound."""
    found = session().scalar(select(Organization).where(Organization.slug == _slug(slug)))
    if found is None:
        raise NotFound("There is no organisation at this address.")
    return found


def public_event_type(organization_slug: str, slug: str) -> EventType:
    """Return what can be booked at this address, its schedule loaded; raises NotFound, also when it is switched off."""
    found = session().scalar(
        select(EventType)
        .join(EventType.organization)
        .where(Organization.slug == _slug(organization_slug), EventType.slug == _slug(slug), EventType.is_active)
        .options(contains_eager(EventType.organization), _with_schedule())
    )
    if found is None:
        raise NotFound("There is nothing to book at this address.")
    return found


def public_event_types(organization_slug: str) -> list[EventType]:
    """Return what can be booked with the organisation, oldest first; empty also when there is no such organisation."""
    statement = (
        select(EventType)
        .join(EventType.organization)
        .where(Organization.slug == _slug(organization_slug), EventType.is_active)
        .options(contains_eager(EventType.organization), _with_team())
        .order_by(EventType.id)
    )
    return list(session().scalars(statement))


def booking_by_token(token: str) -> Booking:
    """Return the booking that this manage token opens, its schedule loaded; raises NotFound."""
    found = session().scalar(
        select(Booking)
        .where(Booking.manage_digest == digest(token))
        .options(joinedload(Booking.event_type, innerjoin=True).options(_with_schedule()))
    )
    if found is None:
        raise NotFound("There is no booking under this link; please check that it was copied whole.")
    return found


def _slug(text: str) -> str:
    if not _SLUG.fullmatch(text):
        raise NotFound
    return text


# What the slot engine is told ---------------------------------------------------------------------------------------


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
    *, host_ids: Iterable[UUID], begin: datetime, until: datetime, leaving: UUID | None = None
) -> list[Held]:
    """Return the meetings that take time of the hosts between two instants (aware), buffers included.

    A host is one person in every organisation, so all of their meetings count. `leaving` is a meeting that somebody is
    about to leave: it is left out if they are the last in it, since it then goes with them.
    """
    statement = (
        select(
            *(HostTime.host_id, HostTime.event_type_id),
            *(_minute(Meeting.starts_at), _minute(Meeting.ends_at, up=True)),
            *(_minute(HostTime.blocked_from), _minute(HostTime.blocked_until, up=True)),
            *(_minute(HostTime.apart_from), _minute(HostTime.apart_until, up=True)),
            Meeting.seats - Meeting.seats_taken,
        )
        .join(Meeting, HostTime.meeting_id == Meeting.id)
        .where(HostTime.host_id.in_(host_ids), HostTime.apart_until > begin, HostTime.apart_from < until)
    )
    if leaving is not None:
        statement = statement.where(or_(Meeting.id != leaving, Meeting.seats_taken > 1))
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
            Booking.status == BookingStatus.CONFIRMED,
            Booking.starts_at > since,
        )
        .group_by(Booking.host_id)
    )
    return {host_id: (count, last) for host_id, count, last in rows}


# What jobs see --------------------------------------------------------------------------------------------------------


def booking(booking_id: UUID) -> Booking:
    """Return the booking with this id, of whatever organisation; raises NotFound. For jobs, whom nobody else asks."""
    found = session().get(Booking, booking_id, populate_existing=True)
    if found is None:
        raise NotFound(f"There is no booking {booking_id}.")
    return found


# What members see -----------------------------------------------------------------------------------------------------


class When(StrEnum):
    """Which bookings a list shows: confirmed and not yet over, confirmed and over, cancelled, or every one."""

    UPCOMING = "upcoming"
    PAST = "past"
    CANCELLED = "cancelled"
    ALL = "all"


def get_booking(organization_id: UUID, booking_id: UUID, *, host_id: UUID | None = None) -> Booking:
    """Return a booking of the organisation (of that host, if one is named); raises NotFound."""
    found = find_scoped(Booking, organization_id=organization_id, id=booking_id)
    if host_id is not None and host_id not in {host.id for host in found.hosts}:
        raise NotFound
    return found


def get_event_type(organization_id: UUID, event_type_id: UUID, *, host_id: UUID | None = None) -> EventType:
    """Return an event type of the organisation (of that host, if one is named), schedule loaded; raises NotFound."""
    found = find_scoped(EventType, organization_id=organization_id, id=event_type_id, options=(_with_schedule(),))
    if host_id is not None and found.host_id != host_id:
        raise NotFound
    return found


def event_types(*, organization_id: UUID, host_id: UUID | None = None) -> list[EventType]:
    """Return the organisation's event types (of that host, if one is named), switched off ones too, oldest first."""
    statement = scoped(EventType, organization_id).options(_with_team()).order_by(EventType.id)
    if host_id is not None:
        statement = statement.where(EventType.host_id == host_id)
    return list(session().scalars(statement))


def schedules(*, organization_id: UUID, host_id: UUID) -> list[Schedule]:
    """Return the host's schedules in the organisation with their hours and overrides, oldest first."""
    statement = scoped(Schedule, organization_id).where(Schedule.host_id == host_id).order_by(Schedule.id)
    return list(session().scalars(statement))


def bookings_page(
    *,
    organization_id: UUID,
    host_id: UUID | None = None,
    when: When = When.ALL,
    search: str = "",
    after: Cursor | None = None,
    limit: int = PAGE_SIZE,
) -> Page[Booking]:
    """Return one page of bookings: upcoming ones soonest first, all others latest first.

    `search` is looked for in the guest's name and e-mail and in the event type's name; `host_id` limits to one host.
    """
    statement = scoped(Booking, organization_id).join(Booking.event_type)
    statement = statement.options(contains_eager(Booking.event_type), selectinload(Booking.further_hosts))
    statement = _at_time(statement, when)
    if host_id is not None:
        statement = statement.where(_hosted_by(host_id))
    if sought := search.replace("\0", "").strip():
        columns = (Booking.guest_name, Booking.guest_email, EventType.name)
        statement = statement.where(or_(*(column.icontains(sought, autoescape=True) for column in columns)))
    rows = session().scalars(_one_page(statement, when, after, limit)).all()
    more = len(rows) > limit
    last = rows[limit - 1] if more else None
    return Page(rows[:limit], Cursor(last.starts_at, last.id).encode() if last else None)


def _at_time(statement: Select[Booking], when: When) -> Select[Booking]:
    conditions: dict[When, tuple[Any, ...]] = {
        When.UPCOMING: (Booking.status == BookingStatus.CONFIRMED, Booking.ends_at > clock.now()),
        When.PAST: (Booking.status == BookingStatus.CONFIRMED, Booking.ends_at <= clock.now()),
        When.CANCELLED: (Booking.status == BookingStatus.CANCELLED,),
        When.ALL: (),
    }
    return statement.where(*conditions[when])


def _one_page(statement: Select[Booking], when: When, after: Cursor | None, limit: int) -> Select[Booking]:
    """Order by time, begin after the cursor, and ask for one row more than shown to learn whether there are more."""
    key = tuple_(Booking.starts_at, Booking.id)
    if when is When.UPCOMING:
        statement = statement.order_by(Booking.starts_at, Booking.id)
        follows = None if after is None else key > tuple_(after.at, after.id)
    else:
        statement = statement.order_by(Booking.starts_at.desc(), Booking.id.desc())
        follows = None if after is None else key < tuple_(after.at, after.id)
    return (statement if follows is None else statement.where(follows)).limit(limit + 1)


@dataclass(frozen=True, slots=True)
class Agenda:
    """What a host looks at first. `today` and `next_up` are confirmed bookings, soonest first."""

    today: list[Booking]
    next_up: list[Booking]
    this_week: int


def today_and_next(*, organization_id: UUID, host_id: UUID, zone: ZoneInfo, limit: int = 5) -> Agenda:
    """Return the host's confirmed bookings of today, the `limit` next ones after today, and how many this week has.

    Days and weeks (from Monday) are those of `zone`.
    """
    midnight = datetime.combine(clock.now().astimezone(zone).date(), time(), zone)
    tomorrow = midnight + timedelta(days=1)
    monday = midnight - timedelta(days=midnight.weekday())
    confirmed = scoped(Booking, organization_id).where(_hosted_by(host_id), Booking.status == BookingStatus.CONFIRMED)
    ordered = confirmed.order_by(Booking.starts_at, Booking.id)
    today = session().scalars(ordered.where(Booking.ends_at > midnight, Booking.starts_at < tomorrow)).all()
    next_up = session().scalars(ordered.where(Booking.starts_at >= tomorrow).limit(limit)).all()
    week = confirmed.where(Booking.starts_at >= monday, Booking.starts_at < monday + timedelta(days=7))
    this_week = session().scalar(week.with_only_columns(func.count(), maintain_column_froms=True))
    return Agenda(list(today), list(next_up), this_week or 0)


def _hosted_by(host_id: UUID) -> ColumnElement[bool]:
    """Say of a booking that the host is its first or one of the further ones."""
    return or_(
        Booking.host_id == host_id,
        Booking.id.in_(select(BookingHost.booking_id).where(BookingHost.host_id == host_id)),
    )
