"""Periodic work: cron expressions read in a place's own time, right across changes of its clocks."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from croniter import CroniterError, croniter

from webapp.core.clock import find_zone
from webapp.core.words import say

_DAY = timedelta(days=1)
LONGEST_CRON = 200
# A date such as 29 February may be eight years away.
_FARTHEST_DAYS = 366 * 8 + 2


@dataclass(frozen=True)
class Cron:
    """Five cron fields read on the wall clock of `timezone` (an IANA name).

    An entry with fixed hours runs once for each time that the clock shows: a time that the clock skips runs when the
    skip is over, one that it shows twice runs the first time. An entry for every hour follows the passing of time
    instead, so that "every five minutes" means that on every day.
    Raises ValueError when the expression or the zone cannot be read.
    """

    expression: str
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        find_zone(self.timezone)
        if len(self.expression) > LONGEST_CRON:
            cron, fault = f"{self.expression[:20]}…", f"it has more than {LONGEST_CRON} characters"
            raise ValueError(say("%(cron)r is no schedule: %(fault)s.", cron=cron, fault=fault))
        if len(self.expression.split()) != 5:
            raise ValueError(
                say("%(cron)r is no schedule: write minute, hour, day, month and weekday.", cron=self.expression)
            )
        try:
            _fields(self.expression)
        except (CroniterError, ValueError) as error:
            raise ValueError(say("%(cron)r is no schedule: %(fault)s.", cron=self.expression, fault=error)) from None

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first tick later than `moment`, in UTC; None when there is none within eight years."""
        day = moment.astimezone(find_zone(self.timezone)).date() - _DAY
        for _ in range(_FARTHEST_DAYS):
            ticks = _ticks_of_day(self.expression, self.timezone, day)
            position = bisect_right(ticks, moment)
            if position < len(ticks):
                return ticks[position]
            day += _DAY
        return None

    def last_until(self, moment: datetime, *, after: datetime) -> datetime | None:
        """Return the latest tick that is later than `after` and not later than `moment`, in UTC; None without one."""
        zone = find_zone(self.timezone)
        day = moment.astimezone(zone).date() + _DAY
        earliest = after.astimezone(zone).date() - _DAY
        while day >= earliest:
            ticks = _ticks_of_day(self.expression, self.timezone, day)
            position = bisect_right(ticks, moment)
            if position > bisect_left(ticks, after + timedelta(microseconds=1)):
                return ticks[position - 1]
            day -= _DAY
        return None


@dataclass(frozen=True)
class Fields:
    """The values that each cron field allows; `every_hour` when the hour field is a star."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int] | None
    months: frozenset[int] | None
    weekdays: frozenset[int] | None
    every_hour: bool

    def allows(self, day: date) -> bool:
        """True when the date fits; as in cron, day and weekday are alternatives when both are given."""
        if self.months is not None and day.month not in self.months:
            return False
        fits_day = self.days is None or day.day in self.days
        fits_weekday = self.weekdays is None or day.isoweekday() % 7 in self.weekdays
        if self.days is not None and self.weekdays is not None:
            return day.day in self.days or day.isoweekday() % 7 in self.weekdays
        return fits_day and fits_weekday


@lru_cache(maxsize=256)
def _fields(expression: str) -> Fields:
    expanded, special = croniter.expand(expression)
    if special or "l" in expanded[2]:
        raise ValueError("'#' and 'L' are not supported")
    minute, hour, day, month, weekday = expanded
    return Fields(
        minutes=_values(minute, range(60)),
        hours=_values(hour, range(24)),
        days=_allowed(day),
        months=_allowed(month),
        weekdays=_allowed(weekday),
        every_hour=hour == ["*"],
    )


def _values(part: list[Any], everything: range) -> tuple[int, ...]:
    return tuple(everything) if part == ["*"] else tuple(int(value) for value in part)


def _allowed(part: list[Any]) -> frozenset[int] | None:
    return None if part == ["*"] else frozenset(int(value) for value in part)


@lru_cache(maxsize=1024)
def _ticks_of_day(expression: str, timezone: str, day: date) -> list[datetime]:
    """Return the ticks that fall on `day` of the place's calendar, in UTC and in order."""
    fields = _fields(expression)
    if not fields.allows(day):
        return []
    zone = find_zone(timezone)
    midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001  # a wall-clock time, its zone applied below
    times = (midnight + timedelta(hours=hour, minutes=minute) for hour in fields.hours for minute in fields.minutes)
    ticks: set[datetime] = set()
    for time in times:
        ticks.update(_every(time, zone) if fields.every_hour else {_first(time, zone)})
    return sorted(ticks)


def _first(time: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant at which the clock first shows `time`, or the end of the gap that swallows it."""
    instant = time.replace(tzinfo=zone).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == time:
        return instant
    # In a gap, the offset of before it (fold=0) reads too late by as much as `time` lies behind the gap's start.
    before, after = (time.replace(tzinfo=zone, fold=fold).utcoffset() or timedelta() for fold in (0, 1))
    low, high = (time - after).replace(tzinfo=UTC), (time - before).replace(tzinfo=UTC)
    while high - low > timedelta(minutes=1):
        middle = low + timedelta(minutes=(high - low) // timedelta(minutes=2))
        if middle.astimezone(zone).utcoffset() == after:
            high = middle
        else:
            low = middle
    return high


def _every(time: datetime, zone: ZoneInfo) -> set[datetime]:
    """Return every instant at which the clock shows `time`: one, two, or none."""
    instants = {time.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    return {instant for instant in instants if instant.astimezone(zone).replace(tzinfo=None) == time}
