"""What contradicts itself in when people are free and what is booked: each query over all organisations at once."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import aliased

from webapp.core import clock
from webapp.core.db import session
from webapp.identity.models import User
from webapp.scheduling.minutes import DAY
from webapp.scheduling.models import (
    Booking,
    DateOverride,
    EventHost,
    EventKind,
    EventType,
    Hold,
    HostTime,
    Meeting,
    Schedule,
    WeeklyHours,
)

# The organisation, the row that it is about, and a name for it.
Faulty = Select[UUID, UUID, str]

MOST_OF_A_KIND = 100

_TEAMS = (EventKind.ROUND_ROBIN, EventKind.COLLECTIVE)
_Other = aliased(HostTime)
_OtherHours = aliased(WeeklyHours)


class Fault(StrEnum):
    """What can be wrong; the constraints of the database rule some of it out, as long as they are there."""

    OVERLAPPING_MEETINGS = "overlapping_meetings"
    EMPTY_MEETING = "empty_meeting"
    SEATS_DIFFER = "seats_differ"
    BOOKING_OUTSIDE_MEETING = "booking_outside_meeting"
    WITHOUT_HOURS = "without_hours"
    WITHOUT_HOSTS = "without_hosts"
    OVERLAPPING_HOURS = "overlapping_hours"
    IMPOSSIBLE_LIMITS = "impossible_limits"


class Found(NamedTuple):
    """One fault: in which organisation, the row that it is about, and how people know it."""

    fault: Fault
    organization_id: UUID
    subject_id: UUID
    about: str


def faults() -> Iterator[Found]:
    """Yield all that is wrong, at most 100 of each kind."""
    for fault, statement in _statements().items():
        for row in session().execute(statement.limit(MOST_OF_A_KIND)):
            yield Found(fault, row[0], row[1], row[2])


def _statements() -> dict[Fault, Faulty]:
    return {
        Fault.OVERLAPPING_MEETINGS: _overlapping_meetings(),
        Fault.EMPTY_MEETING: _meetings().where(_taken() == 0),
        Fault.SEATS_DIFFER: _seats_differ(),
        Fault.BOOKING_OUTSIDE_MEETING: _bookings_outside_meetings(),
        Fault.WITHOUT_HOURS: _offered().where(~exists().where(_has_hours())),
        Fault.WITHOUT_HOSTS: _offered().where(_has_no_hosts()),
        Fault.OVERLAPPING_HOURS: _overlapping_hours(),
        Fault.IMPOSSIBLE_LIMITS: _offered().where(_can_never_be_booked()),
    }


def _overlapping_meetings() -> Faulty:
    """Select meetings that overlap a later one of the same host. Only what is to come can still be put right."""
    same = and_(
        _Other.host_id == HostTime.host_id,
        _Other.id > HostTime.id,
        _Other.blocked_from < HostTime.blocked_until,
        HostTime.blocked_from < _Other.blocked_until,
    )
    return (
        select(HostTime.organization_id, HostTime.event_type_id, EventType.name)
        .join(EventType, EventType.id == HostTime.event_type_id)
        .where(HostTime.blocked_until > clock.now(), exists().where(same))
        .order_by(HostTime.id)
    )


def _meetings() -> Faulty:
    """Select meetings that are not over; of the others, which only become more, nothing can be put right."""
    return (
        select(Meeting.organization_id, Meeting.event_type_id, EventType.name)
        .join(EventType, EventType.id == Meeting.event_type_id)
        .where(Meeting.ends_at > clock.now())
        .order_by(Meeting.id)
    )


def _seats_differ() -> Faulty:
    return _meetings().where(_taken() > 0, _taken() != Meeting.seats_taken)


def _taken() -> ColumnElement[int]:
    """Count who has a seat in a meeting: those who have booked, and those for whom one is held or was till just now."""
    booked = select(func.count()).where(Booking.meeting_id == Meeting.id).scalar_subquery()
    return booked + select(func.count()).where(Hold.meeting_id == Meeting.id).scalar_subquery()


def _bookings_outside_meetings() -> Faulty:
    """Select bookings to come that stand for another time than the meeting that they have a seat in, or it does."""
    is_to_come = or_(Booking.ends_at > clock.now(), Meeting.ends_at > clock.now())
    differs = or_(Booking.starts_at != Meeting.starts_at, Booking.ends_at != Meeting.ends_at)
    return (
        select(Booking.organization_id, Booking.id, Booking.guest_name)
        .join(Meeting, Meeting.id == Booking.meeting_id)
        .where(differs, is_to_come)
        .order_by(Booking.id)
    )


def _offered() -> Faulty:
    """Select what guests can book."""
    return select(EventType.organization_id, EventType.id, EventType.name).where(EventType.is_active)


def _has_hours() -> ColumnElement[bool]:
    """Say of a schedule that an event type goes by it, and that it is open at some time or other."""
    of_team = exists().where(EventHost.event_type_id == EventType.id, EventHost.schedule_id == Schedule.id)
    by_it = or_(
        and_(EventType.kind.in_(_TEAMS), of_team),
        and_(~EventType.kind.in_(_TEAMS), EventType.schedule_id == Schedule.id),
    )
    weekly = exists().where(WeeklyHours.schedule_id == Schedule.id)
    single = exists().where(
        DateOverride.schedule_id == Schedule.id,
        DateOverride.end_minute > 0,
        DateOverride.day >= func.current_date(),
    )
    return and_(by_it, or_(weekly, single))


def _has_no_hosts() -> ColumnElement[bool]:
    """Say of an event type that nobody is left who could host it."""
    in_team = exists().where(EventHost.event_type_id == EventType.id, User.id == EventHost.host_id, User.is_active)
    owner = exists().where(User.id == EventType.host_id, User.is_active)
    return or_(and_(EventType.kind.in_(_TEAMS), ~in_team), and_(~EventType.kind.in_(_TEAMS), ~owner))


def _overlapping_hours() -> Faulty:
    """Select schedules of whose hours some begin before others have ended, be it past midnight or at the week's end."""
    monday, other_monday = WeeklyHours.weekday * DAY, _OtherHours.weekday * DAY
    same = and_(
        _OtherHours.schedule_id == WeeklyHours.schedule_id,
        _OtherHours.id != WeeklyHours.id,
        or_(
            *(
                and_(
                    other_monday + week + _OtherHours.start_minute < monday + WeeklyHours.end_minute,
                    monday + WeeklyHours.start_minute < other_monday + week + _OtherHours.end_minute,
                )
                for week in (0, 7 * DAY)
            )
        ),
    )
    return (
        select(Schedule.organization_id, Schedule.id, User.name)
        .join(User, User.id == Schedule.host_id)
        .where(exists().where(WeeklyHours.schedule_id == Schedule.id, same))
        .order_by(Schedule.id)
    )


def _can_never_be_booked() -> ColumnElement[bool]:
    """Say of an event type that its terms contradict each other."""
    return or_(
        EventType.minimum_notice >= EventType.horizon_days * DAY,
        EventType.limit_per_week < EventType.limit_per_day,
        EventType.limit_per_month < EventType.limit_per_week,
        EventType.limit_per_month < EventType.limit_per_day,
    )
