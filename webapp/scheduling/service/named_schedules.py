"""Several schedules of one host: name, copy, choose and delete them. What they say is `service/schedules.py`'s."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from psycopg.errors import ForeignKeyViolation
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from webapp.core.db import session
from webapp.core.scope import read_locked
from webapp.core.validation import FieldError, InvalidInput
from webapp.core.words import say
from webapp.identity.models import User
from webapp.scheduling.errors import ScheduleInUse, ScheduleIsDefault, TooManySchedules
from webapp.scheduling.events import Change
from webapp.scheduling.models import DateOverride, EventHost, EventType, Schedule, WeeklyHours
from webapp.scheduling.service.freed import tell_of_change, tell_of_terms
from webapp.scheduling.service.guests import one_line

MOST_SCHEDULES = 50
LONGEST_NAME = 80


def add_schedule(*, schedule: Schedule) -> Schedule:
    """Keep a new schedule; the first of a host is their default. Raises TooManySchedules."""
    take_turn(schedule.host_id)
    others = _ids_of(schedule)
    if len(others) >= MOST_SCHEDULES:
        raise TooManySchedules
    schedule.is_default = not others
    session().add(schedule)
    session().flush()
    return schedule


def rename_schedule(*, schedule: Schedule, name: str) -> Schedule:
    """Give a schedule another name; raises InvalidInput naming `name`."""
    schedule.name = checked_name(name)
    return schedule


def copy_schedule(*, schedule: Schedule, name: str) -> Schedule:
    """Make another schedule of the same host that says the same; raises InvalidInput and TooManySchedules."""
    copy = Schedule(
        organization_id=schedule.organization_id,
        host_id=schedule.host_id,
        name=checked_name(name),
        timezone=schedule.timezone,
        holiday_country=schedule.holiday_country,
        holiday_subdivision=schedule.holiday_subdivision,
        worked_holidays=schedule.worked_holidays,
        hours=[
            WeeklyHours(weekday=row.weekday, start_minute=row.start_minute, end_minute=row.end_minute)
            for row in schedule.hours
        ],
        overrides=[
            DateOverride(day=row.day, start_minute=row.start_minute, end_minute=row.end_minute)
            for row in schedule.overrides
        ],
    )
    return add_schedule(schedule=copy)


def make_default(*, schedule: Schedule) -> Schedule:
    """Have new event types and teams of the host go by this schedule."""
    take_turn(schedule.host_id)
    of_host = (Schedule.organization_id == schedule.organization_id, Schedule.host_id == schedule.host_id)
    session().execute(update(Schedule).where(*of_host, Schedule.is_default).values(is_default=False))
    schedule.is_default = True
    session().execute(update(Schedule).where(Schedule.id == schedule.id).values(is_default=True))
    tell_of_change(Change.HOURS, host_ids=[schedule.host_id])  # who stands in goes by it
    return schedule


def delete_schedule(*, schedule: Schedule) -> None:
    """Delete a schedule that nothing goes by; raises ScheduleInUse when something does, and ScheduleIsDefault."""
    take_turn(schedule.host_id)
    session().refresh(schedule, ["is_default"])
    if schedule.is_default:
        raise ScheduleIsDefault
    with _unless_used():
        session().delete(schedule)


def choose_schedule(*, event_type: EventType, schedule: Schedule) -> EventType:
    """Have the schedule's host offer an event type by it, alone or as one of its team.

    Raises InvalidInput naming `schedule_id` when that host does not host it.
    """
    read_locked(event_type, "team")
    if hosting := _place_of(event_type, schedule.host_id):
        hosting.schedule_id, hosting.schedule = schedule.id, schedule
        tell_of_terms(event_type)
        return event_type
    fault = say("Please choose a schedule of somebody who hosts this event type.")
    raise InvalidInput([FieldError("schedule_id", fault)])


def schedule_id_of(event_type: EventType, host_id: UUID) -> UUID | None:
    """Return the schedule by which somebody hosts an event type; None when they do not host it."""
    hosting = _place_of(event_type, host_id)
    return hosting.schedule_id if hosting else None


def checked_name(name: str) -> str:
    """Return the name as it is kept; raises InvalidInput naming `name`."""
    try:
        text = one_line(name)
    except ValueError as error:
        raise InvalidInput([FieldError("name", str(error))]) from error
    if not text or len(text) > LONGEST_NAME:
        raise InvalidInput(
            [FieldError("name", say("Please give it a name of up to %(most)d characters.", most=LONGEST_NAME))]
        )
    return text


def _place_of(event_type: EventType, host_id: UUID) -> EventType | EventHost | None:
    if event_type.is_team:
        return next((member for member in event_type.team if member.host_id == host_id), None)
    return event_type if event_type.host_id == host_id else None


def _ids_of(schedule: Schedule) -> list[UUID]:
    statement = select(Schedule.id).filter_by(organization_id=schedule.organization_id, host_id=schedule.host_id)
    return list(session().scalars(statement))


def take_turn(host_id: UUID) -> None:
    """Wait until nobody else changes which schedules the host has; the lock lasts until the commit."""
    session().execute(select(User.id).where(User.id == host_id).with_for_update(key_share=True))


@contextmanager
def _unless_used() -> Iterator[None]:
    try:
        with session().begin_nested():
            yield
            session().flush()
    except IntegrityError as error:
        if isinstance(error.orig, ForeignKeyViolation):
            raise ScheduleInUse from error
        raise
