"""Bookings: one by its link or id, lists of them, and the day of a host."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, or_, select, tuple_
from sqlalchemy.orm import contains_eager, joinedload, lazyload, selectinload

from webapp.core import clock
from webapp.core.crypto import digest
from webapp.core.db import session
from webapp.core.errors import NotFound
from webapp.core.pagination import PAGE_SIZE, Cursor, Page
from webapp.core.scope import find_scoped, scoped
from webapp.core.words import say
from webapp.scheduling.models import (
    Attendance,
    Booking,
    BookingHost,
    BookingStatus,
    EventType,
)
from webapp.scheduling.queries.event_types import with_schedule

# No meeting is nearly as long; with a bound on where it begins, an index finds it.
_LONGEST = timedelta(days=7)


def booking_by_token(token: str) -> Booking:
    """Return the booking that this manage token opens, its schedule loaded; raises NotFound, also once it expired."""
    found = session().scalar(
        select(Booking)
        .where(
            Booking.manage_digest == digest(token),
            or_(Booking.manage_expires_at.is_(None), Booking.manage_expires_at > clock.now()),
        )
        .options(joinedload(Booking.event_type, innerjoin=True).options(with_schedule()))
    )
    if found is None:
        raise NotFound(say("There is no booking under this link. It may have expired, or not have been copied whole."))
    return found


def booking(booking_id: UUID, *, hold: bool = False) -> Booking:
    """Return the booking with this id, of whatever organisation; raises NotFound. For jobs, whom nobody else asks.

    It comes with all who take part, for it is to be told to them. With `hold` it comes alone, to be decided on: nobody
    changes it before the caller's transaction ends.
    """
    found = session().scalars(_HELD if hold else _ANY, {"booking_id": booking_id}).unique().one_or_none()
    if found is None:
        raise NotFound(say("There is no booking %(booking_id)s.", booking_id=booking_id))
    return found


class When(StrEnum):
    """Which bookings a list shows.

    Confirmed and not yet over, waiting for approval, confirmed and over, those to which the guest did not come, called
    off by either side, or every one.
    """

    UPCOMING = "upcoming"
    PENDING = "pending"
    PAST = "past"
    NO_SHOW = "no_show"
    CANCELLED = "cancelled"
    ALL = "all"


class Selection(NamedTuple):
    """Some of an organisation's bookings.

    `search` is looked for in the guest's name and e-mail and in the event type's name; `host_id` limits to one host,
    `between` to what takes place between two instants (aware).
    """

    organization_id: UUID
    host_id: UUID | None = None
    when: When = When.ALL
    search: str = ""
    between: tuple[datetime, datetime] | None = None


def selected(selection: Selection) -> Select[Booking]:
    """Return a query for the bookings of the selection, joined with their event types."""
    statement = scoped(Booking, selection.organization_id).join(Booking.event_type)
    statement = _at_time(statement, selection.when)
    if selection.host_id is not None:
        statement = statement.where(hosted_by(selection.host_id))
    if selection.between is not None:
        statement = statement.where(overlapping(*selection.between))
    if sought := selection.search.replace("\0", "").strip():
        columns = (Booking.guest_name, Booking.guest_email, EventType.name)
        statement = statement.where(or_(*(column.icontains(sought, autoescape=True) for column in columns)))
    return statement


def get_booking(organization_id: UUID, booking_id: UUID, *, host_id: UUID | None = None) -> Booking:
    """Return a booking of the organisation (of that host, if one is named); raises NotFound."""
    found = find_scoped(Booking, organization_id=organization_id, id=booking_id)
    if host_id is not None and host_id not in {host.id for host in found.hosts}:
        raise NotFound
    return found


def bookings_page(
    *,
    organization_id: UUID,
    host_id: UUID | None = None,
    when: When = When.ALL,
    search: str = "",
    between: tuple[datetime, datetime] | None = None,
    after: Cursor | None = None,
    limit: int = PAGE_SIZE,
) -> Page[Booking]:
    """Return one page of a `Selection`: bookings ahead or to approve soonest first, all others latest first."""
    statement = selected(Selection(organization_id, host_id, when, search, between)).options(
        contains_eager(Booking.event_type), selectinload(Booking.further_hosts), selectinload(Booking.named)
    )
    rows = session().scalars(_one_page(statement, when, after, limit)).all()
    more = len(rows) > limit
    last = rows[limit - 1] if more else None
    return Page(rows[:limit], Cursor(last.starts_at, last.id).encode() if last else None)


def _at_time(statement: Select[Booking], when: When) -> Select[Booking]:
    conditions: dict[When, tuple[Any, ...]] = {
        When.UPCOMING: (Booking.status == BookingStatus.CONFIRMED, Booking.ends_at > clock.now()),
        When.PAST: (Booking.status == BookingStatus.CONFIRMED, Booking.ends_at <= clock.now()),
        When.NO_SHOW: (Booking.attendance == Attendance.NO_SHOW,),
        When.PENDING: (Booking.status == BookingStatus.PENDING,),
        When.CANCELLED: (Booking.status.in_((BookingStatus.CANCELLED, BookingStatus.DECLINED)),),
        When.ALL: (),
    }
    return statement.where(*conditions[when])


def _one_page(statement: Select[Booking], when: When, after: Cursor | None, limit: int) -> Select[Booking]:
    """Order by time, begin after the cursor, and ask for one row more than shown to learn whether there are more."""
    key = tuple_(Booking.starts_at, Booking.id)
    if when in {When.UPCOMING, When.PENDING}:
        statement = statement.order_by(Booking.starts_at, Booking.id)
        follows = None if after is None else key > tuple_(after.at, after.id)
    else:
        statement = statement.order_by(Booking.starts_at.desc(), Booking.id.desc())
        follows = None if after is None else key < tuple_(after.at, after.id)
    return (statement if follows is None else statement.where(follows)).limit(limit + 1)


@dataclass(frozen=True, slots=True)
class Agenda:
    """What a host looks at first. `today` and `next_up` are meetings, soonest first, each as its confirmed bookings.

    `this_week` counts the bookings of the week that begins with `week_begins`, `to_approve` the requests that wait for
    an answer.
    """

    today: list[list[Booking]]
    next_up: list[list[Booking]]
    this_week: int
    to_approve: int
    week_begins: date


def today_and_next(
    *, organization_id: UUID, host_id: UUID, zone: ZoneInfo, limit: int = 5, first_weekday: int = 0
) -> Agenda:
    """Return the host's meetings of today, the `limit` next ones after today, and how many bookings there are of some
    kinds.

    Days and weeks, which begin with the weekday `first_weekday` (Monday is 0), are those of `zone`.
    """
    midnight = datetime.combine(clock.now().astimezone(zone).date(), time(), zone)
    tomorrow = midnight + timedelta(days=1)
    week_begins = midnight - timedelta(days=(midnight.weekday() - first_weekday) % 7)
    hosted = scoped(Booking, organization_id).where(hosted_by(host_id))
    confirmed = hosted.where(Booking.status == BookingStatus.CONFIRMED)
    meeting = (Booking.starts_at, Booking.meeting_id)
    after_today = confirmed.where(Booking.starts_at >= tomorrow).with_only_columns(Booking.meeting_id)
    nearest = after_today.group_by(*meeting).order_by(*meeting).limit(limit)
    ordered = confirmed.order_by(*meeting, Booking.id)
    today = session().scalars(ordered.where(Booking.ends_at > midnight, Booking.starts_at < tomorrow))
    next_up = session().scalars(ordered.where(Booking.meeting_id.in_(nearest)))
    pending = Booking.status == BookingStatus.PENDING
    week = (Booking.starts_at >= week_begins, Booking.starts_at < week_begins + timedelta(days=7))
    in_week = and_(Booking.status == BookingStatus.CONFIRMED, *week)
    counted = (func.count().filter(in_week), func.count().filter(pending))
    counts = hosted.where(or_(in_week, pending)).with_only_columns(*counted, maintain_column_froms=True)
    this_week, to_approve = session().execute(counts).one()
    return Agenda(_by_meeting(today), _by_meeting(next_up), this_week, to_approve, week_begins.date())


def _by_meeting(bookings: Iterable[Booking]) -> list[list[Booking]]:
    return [list(together) for _meeting, together in groupby(bookings, attrgetter("meeting_id"))]


def overlapping(begins: datetime, ends: datetime) -> ColumnElement[bool]:
    """Say of a booking that it takes place, in part at least, between two instants (aware)."""
    return and_(Booking.starts_at > begins - _LONGEST, Booking.starts_at < ends, Booking.ends_at > begins)


def hosted_by(host_id: UUID) -> ColumnElement[bool]:
    """Say of a booking that the host is its first or one of the further ones."""
    return or_(
        Booking.host_id == host_id,
        Booking.id.in_(select(BookingHost.booking_id).where(BookingHost.host_id == host_id)),
    )


# Made once, for all that follows a booking begins with one of them.
_BY_ID = select(Booking).where(Booking.id == bindparam("booking_id")).execution_options(populate_existing=True)
_ANY = _BY_ID.options(joinedload(Booking.further_hosts), joinedload(Booking.named))
_HELD = _BY_ID.options(lazyload("*")).with_for_update(read=True)
