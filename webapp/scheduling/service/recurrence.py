"""When the meetings of a series are: at one time of day, again and again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from webapp.scheduling.models import Frequency

_WEEKS = {Frequency.WEEKLY: 1, Frequency.EVERY_TWO_WEEKS: 2}
_WEEK = timedelta(weeks=1)


def occurrences(start: datetime, *, frequency: Frequency, count: int, zone: ZoneInfo) -> list[datetime]:
    """Return the starts of `count` meetings, the first of them `start` (aware), all aware and in UTC.

    Clocks in `zone` show the same time at each of them, on both sides of a change; a time that a change skips is shown
    an hour later. Monthly ones keep the weekday and which one of the month it is; a fifth is the last of each month.
    """
    local = start.astimezone(zone)
    dates = _dates(local.date(), frequency, count)
    return [start.astimezone(UTC), *(_at(day, local, zone) for day in dates)]


def _at(day: date, local: datetime, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, local.time().replace(fold=0), zone).astimezone(UTC)


def _dates(first: date, frequency: Frequency, count: int) -> Iterator[date]:
    """Yield the dates of all meetings but the first."""
    for number in range(1, count):
        if frequency is Frequency.MONTHLY:
            yield _same_weekday(first, months=number)
        else:
            yield first + number * _WEEKS[frequency] * _WEEK


def _same_weekday(first: date, *, months: int) -> date:
    """Return the same weekday so many months on: as many weeks into its month, or the last one for a fifth."""
    month = first.year * 12 + first.month - 1 + months
    begins = date(month // 12, month % 12 + 1, 1)
    weeks_in = (first.day - 1) // 7
    wanted = begins + timedelta(days=(first.weekday() - begins.weekday()) % 7) + weeks_in * _WEEK
    return wanted if wanted.month == begins.month else wanted - _WEEK
