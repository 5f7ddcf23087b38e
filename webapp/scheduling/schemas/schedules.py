"""Working hours, as members' programs send and are shown them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from itertools import groupby
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, StringConstraints

from webapp.scheduling.models import DateOverride, Schedule
from webapp.scheduling.schemas.fields import ZoneName, at_most, up_to
from webapp.scheduling.service import holidays, named_schedules
from webapp.scheduling.service.schedules import WEEKDAYS, WeeklyRange
from webapp.scheduling.slots import Span
from webapp.web.openapi import In, Out, Query

_CLOCK = r"^([0-3]\d|4[0-7]):[0-5]\d$|^48:00$"

Clock = Annotated[
    str,
    StringConstraints(pattern=_CLOCK),
    Field(description="Hours and minutes from 00:00; 26:00 is 02:00 the next day.", examples=["09:00", "26:00"]),
]
CountryCode = Annotated[str, StringConstraints(pattern="^[A-Z]{2}$"), Field(examples=["DE"])]
SubdivisionCode = Annotated[str, StringConstraints(max_length=60), Field(examples=["BY"])]
HolidayName = Annotated[str, up_to(holidays.LONGEST_NAME)]
ScheduleName = Annotated[str, up_to(named_schedules.LONGEST_NAME)]


def minutes_of(text: str) -> int:
    """Return the minutes from 00:00 of a `Clock`."""
    hours, _colon, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes)


def clock_of(minutes: int) -> str:
    """Return the `Clock` of minutes from 00:00."""
    return f"{minutes // 60:02}:{minutes % 60:02}"


class RangeIn(In):
    """Hours of one date; they may end on the next one."""

    start: Clock
    end: Clock

    def span(self) -> Span:
        """Return the hours in the service's terms."""
        return minutes_of(self.start), minutes_of(self.end)


class WeeklyRangeIn(RangeIn):
    """Hours of a weekday, on which they begin; Monday is 0."""

    weekday: int = Field(ge=WEEKDAYS[0], le=WEEKDAYS[-1])

    def weekly(self) -> WeeklyRange:
        """Return the hours in the service's terms."""
        return self.weekday, *self.span()


class RangeOut(Out):
    """Hours of one date; they may end on the next one, as 26:00."""

    start: str
    end: str

    @classmethod
    def of(cls, start: int, end: int) -> Self:
        """Show a range of minutes."""
        return cls(start=clock_of(start), end=clock_of(end))


class WeeklyRangeOut(RangeOut):
    """Hours of a weekday; Monday is 0."""

    weekday: int


class DayOut(Out):
    """What holds on one date in place of the weekly hours; no `ranges` is a closed day."""

    day: date
    ranges: list[RangeOut]


class ScheduleOut(Out):
    """When a host works, in wall-clock time of `timezone`; new event types go by the default."""

    id: UUID
    host_id: UUID
    name: str
    timezone: str
    is_default: bool
    hours: list[WeeklyRangeOut]
    days: list[DayOut]
    holiday_country: str | None
    holiday_subdivision: str | None
    worked_holidays: list[str]

    @classmethod
    def of(cls, schedule: Schedule) -> Self:
        """Show all of it."""
        hours = [
            WeeklyRangeOut(weekday=row.weekday, start=clock_of(row.start_minute), end=clock_of(row.end_minute))
            for row in schedule.hours
        ]
        return cls(
            id=schedule.id,
            host_id=schedule.host_id,
            name=schedule.name,
            timezone=schedule.timezone,
            is_default=schedule.is_default,
            hours=hours,
            days=_days(schedule.overrides),
            holiday_country=schedule.holiday_country,
            holiday_subdivision=schedule.holiday_subdivision,
            worked_holidays=schedule.worked_holidays,
        )


class HolidaysIn(In):
    """The public holidays on which a schedule is closed; those named in `worked` are not. A null country is none."""

    country: CountryCode | None
    subdivision: SubdivisionCode | None = None
    worked: Annotated[list[HolidayName], at_most(holidays.MOST_WORKED)] = []


class HolidaysQuery(Query):
    """Whose holidays, and of which year."""

    country: CountryCode
    subdivision: SubdivisionCode | None = None
    year: int = Field(ge=2000, le=2100)


class HolidayOut(Out):
    """A day off."""

    day: date
    name: str


class HolidaysOut(Out):
    """The public holidays of a year, in order."""

    items: list[HolidayOut]


class CountryOut(Out):
    """A country (ISO 3166) whose holidays are known, and those of its parts that have their own."""

    code: str
    subdivisions: list[str]


class CountriesOut(Out):
    """Every country whose holidays are known."""

    items: list[CountryOut]


class SchedulesOut(Out):
    """The schedules that the token's holder may see; each host's default comes first."""

    items: list[ScheduleOut]


Hours = Annotated[list[WeeklyRangeIn], Field(max_length=200)]


class ScheduleIn(In):
    """A schedule to make, for the token's holder.

    It says what `copy_of` says, another of theirs; or it has the given zone and hours, the holder's zone and office
    hours where they are left out.
    """

    name: ScheduleName
    copy_of: UUID | None = None
    timezone: ZoneName | None = None
    hours: Hours | None = None


class ScheduleChangeIn(In):
    """What to change about a schedule; what is left out stays. `hours` replace all weekly hours."""

    name: ScheduleName | None = None
    timezone: ZoneName | None = None
    hours: Hours | None = None
    is_default: bool | None = Field(None, description="True makes it the default; to end that, make another one it.")


class DayIn(In):
    """What holds on one date in place of the weekly hours; no `ranges` close the day."""

    ranges: Annotated[list[RangeIn], Field(max_length=50)]


class ScheduleChoiceIn(In):
    """The schedule by which its host offers an event type, alone or as one of its team."""

    schedule_id: UUID


def _days(overrides: Iterable[DateOverride]) -> list[DayOut]:
    rows = sorted(overrides, key=lambda row: (row.day, row.start_minute))
    return [
        DayOut(day=day, ranges=[RangeOut.of(row.start_minute, row.end_minute) for row in of_day if row.end_minute])
        for day, of_day in groupby(rows, key=lambda row: row.day)
    ]
