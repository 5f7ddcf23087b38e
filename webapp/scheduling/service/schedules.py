"""When a host works: weekly hours and what replaces them on single dates, in the wall-clock time of a zone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from webapp.core.clock import find_zone
from webapp.core.db import session
from webapp.core.validation import FieldErrors
from webapp.core.words import say
from webapp.scheduling.models import DateOverride, Schedule, WeeklyHours
from webapp.scheduling.service.named_schedules import add_schedule, checked_name
from webapp.scheduling.slots import Span

WEEKDAYS = range(7)
OFFICE_HOURS = tuple((weekday, 9 * 60, 17 * 60) for weekday in range(5))

WeeklyRange = tuple[int, int, int]  # weekday (Monday = 0), first and last minute of the wall clock (24:00 is 1440)


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
    save_hours(schedule=schedule, timezone=timezone, hours=hours)
    return add_schedule(schedule=schedule)


def save_hours(*, schedule: Schedule, timezone: str, hours: Sequence[WeeklyRange]) -> Schedule:
    """Replace the zone and all weekly hours.

    Raises InvalidInput naming `timezone`, or `hours.<index>` of a range that makes no sense or overlaps another one.
    """
    faults = FieldErrors()
    with faults.of("timezone"):
        find_zone(timezone)
    for index, (weekday, start, end) in enumerate(hours):
        with faults.of(f"hours.{index}"):
            if weekday not in WEEKDAYS:
                raise ValueError(say("There are only seven weekdays; please use 0 for Monday to 6 for Sunday."))
            _require_range(start, end)
    for weekday in WEEKDAYS:
        _require_apart(
            faults, [(f"hours.{index}", row[1], row[2]) for index, row in enumerate(hours) if row[0] == weekday]
        )
    faults.refuse()
    schedule.timezone = timezone
    schedule.hours = [
        WeeklyHours(weekday=weekday, start_minute=start, end_minute=end) for weekday, start, end in sorted(hours)
    ]
    return schedule


def hours_of(schedule: Schedule) -> list[WeeklyRange]:
    """Return the weekly hours of a schedule as `save_hours` takes them."""
    return [(row.weekday, row.start_minute, row.end_minute) for row in schedule.hours]


def set_override(*, schedule: Schedule, day: date, ranges: Sequence[Span]) -> Schedule:
    """Replace the hours of one date by `ranges` of wall-clock minutes; none at all close the day.

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
    schedule.overrides = [override for override in schedule.overrides if override.day != day]
    session().flush()  # before rows of the same date and minute can come back
    return schedule


def _require_range(start: int, end: int) -> None:
    if not 0 <= start < end <= 24 * 60:
        raise ValueError(say("The end must come after the start, and both must lie within one day."))


def _require_apart(faults: FieldErrors, ranges: Sequence[tuple[str, int, int]]) -> None:
    """Note each range that begins before another one of the same day has ended."""
    open_until = 0
    for field, start, end in sorted(ranges, key=lambda row: row[1:]):
        if start < open_until:
            faults.add(field, say("These hours overlap others of the same day; please join them or move one."))
        open_until = max(open_until, end)
