"""When a host works: weekly hours and what replaces them on single dates, in the wall-clock time of a zone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from webapp.core.clock import find_zone
from webapp.core.db import session
from webapp.core.scope import read_locked
from webapp.core.validation import FieldErrors
from webapp.core.words import say
from webapp.scheduling import queries
from webapp.scheduling.events import Change
from webapp.scheduling.minutes import DAY
from webapp.scheduling.models import DateOverride, Schedule, WeeklyHours
from webapp.scheduling.service.freed import tell_of_change
from webapp.scheduling.service.named_schedules import add_schedule, checked_name, take_turn
from webapp.scheduling.slots import Span

WEEKDAYS = range(7)
OFFICE_HOURS = tuple((weekday, 9 * 60, 17 * 60) for weekday in range(5))

_WEEK = 7 * DAY
_SAME_DAY = say("These hours overlap others of the same day; please join them or move one.")
_EVENING_BEFORE = say("These hours overlap others of the evening before; please join them or move one.")

# Weekday (Monday = 0), first and last minute of the wall clock; 24:00 is 1440, and 02:00 of the next day is 1560.
WeeklyRange = tuple[int, int, int]


def create_schedule(
    *,
    organization_id: UUID,
    host_id: UUID,
    timezone: str,
    name: str = "Working hours",
    hours: Sequence[WeeklyRange] = OFFICE_HOURS,
) -> Schedule:
    """Give a host a schedule; Monday to Friday from nine to five unless told otherwise.

    Raises as `save_hours`, InvalidInput naming `name`, and TooManySchedules.
    """
    schedule = Schedule(
        organization_id=organization_id, host_id=host_id, name=checked_name(name), hours=[], overrides=[]
    )
    _require_hours(timezone, hours)
    _set_hours(schedule, timezone, hours)
    return add_schedule(schedule=schedule)


def default_schedule(*, organization_id: UUID, host_id: UUID, timezone: str) -> Schedule:
    """Return the host's default schedule; where they have none yet, one of office hours that is made once."""
    take_turn(host_id)
    found = queries.schedules(organization_id=organization_id, host_id=host_id)
    return found[0] if found else create_schedule(organization_id=organization_id, host_id=host_id, timezone=timezone)


def save_hours(
    *, schedule: Schedule, timezone: str | None = None, hours: Sequence[WeeklyRange] | None = None
) -> Schedule:
    """Replace the zone and all weekly hours; None leaves the one or the other as it is. Of two saves the later holds.

    Raises InvalidInput naming `timezone`, or `hours.<index>` of a range that makes no sense or overlaps another one.
    """
    read_locked(schedule, "hours", "overrides")
    timezone = schedule.timezone if timezone is None else timezone
    hours = hours_of(schedule) if hours is None else hours
    _require_hours(timezone, hours)
    _set_hours(schedule, timezone, hours)
    return schedule


def _require_hours(timezone: str, hours: Sequence[WeeklyRange]) -> None:
    """Raise what `save_hours` says of them."""
    faults = FieldErrors()
    with faults.of("timezone"):
        find_zone(timezone)
    for index, (weekday, start, end) in enumerate(hours):
        with faults.of(f"hours.{index}"):
            if weekday not in WEEKDAYS:
                raise ValueError(say("There are only seven weekdays; please use 0 for Monday to 6 for Sunday."))
            _require_range(start, end)
    _require_apart(faults, _around_the_week(hours))
    faults.refuse()


def _set_hours(schedule: Schedule, timezone: str, hours: Sequence[WeeklyRange]) -> None:
    schedule.timezone = timezone
    schedule.hours = [
        WeeklyHours(weekday=weekday, start_minute=start, end_minute=end) for weekday, start, end in sorted(hours)
    ]
    tell_of_change(Change.HOURS, host_ids=[schedule.host_id])


def hours_of(schedule: Schedule) -> list[WeeklyRange]:
    """Return the weekly hours of a schedule as `save_hours` takes them."""
    return [(row.weekday, row.start_minute, row.end_minute) for row in schedule.hours]


def set_override(*, schedule: Schedule, day: date, ranges: Sequence[Span]) -> Schedule:
    """Replace the hours that begin on one date by `ranges` of wall-clock minutes; none at all close the day.

    Those of the evening before still last as long as they do, where this date has no hours of its own.
    Raises InvalidInput naming `ranges.<index>` of a range that makes no sense or overlaps another one.
    """
    faults = FieldErrors()
    for index, (start, end) in enumerate(ranges):
        with faults.of(f"ranges.{index}"):
            _require_range(start, end)
    _require_apart(faults, [(f"ranges.{index}", start, end) for index, (start, end) in enumerate(ranges)])
    faults.refuse()
    clear_override(schedule=schedule, day=day)
    schedule.overrides += [
        DateOverride(day=day, start_minute=start, end_minute=end) for start, end in sorted(ranges) or [(0, 0)]
    ]
    session().flush()
    return schedule


def clear_override(*, schedule: Schedule, day: date) -> Schedule:
    """Let the weekly hours hold on that date again; nothing happens when they do already."""
    read_locked(schedule, "hours", "overrides")
    schedule.overrides = [override for override in schedule.overrides if override.day != day]
    session().flush()  # before rows of the same date and minute can come back
    _tell(schedule, day)
    return schedule


def _tell(schedule: Schedule, day: date) -> None:
    """Say that the host is free at other times of that date now, in whatever zone it is."""
    midnight = datetime.combine(day, time(), UTC)
    tell_of_change(
        Change.DATE_OVERRIDE,
        host_ids=[schedule.host_id],
        begin=midnight - timedelta(days=1),
        until=midnight + timedelta(days=3),
    )


def _require_range(start: int, end: int) -> None:
    if not (0 <= start < DAY and start < end <= start + DAY):
        raise ValueError(say("The end must come after the start, and within 24 hours of it."))


def _around_the_week(hours: Sequence[WeeklyRange]) -> list[tuple[str, int, int]]:
    """Return the fields of the ranges, each with its minutes from Monday 00:00, Sunday's late ones before it, too."""
    in_week = [
        (f"hours.{index}", weekday * DAY + start, weekday * DAY + end)
        for index, (weekday, start, end) in enumerate(hours)
        if weekday in WEEKDAYS
    ]
    return [*((field, start - _WEEK, end - _WEEK) for field, start, end in in_week if end > _WEEK), *in_week]


def _require_apart(faults: FieldErrors, ranges: Sequence[tuple[str, int, int]]) -> None:
    """Note each range that begins before another one has ended; the fields of ranges before minute 0 are not noted."""
    open_until, opened = -_WEEK, 0
    for field, start, end in sorted(ranges, key=lambda row: row[1:]):
        if start < open_until and start >= 0:
            faults.add(field, _SAME_DAY if opened // DAY == start // DAY else _EVENING_BEFORE)
        if end > open_until:
            open_until, opened = end, start
