"""A meeting's time in words, in somebody's own time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from babel import Locale
from babel.dates import format_datetime

from webapp.core.clock import find_zone
from webapp.core.languages import WORLD_24, clock_pattern


@dataclass(frozen=True, kw_only=True, slots=True)
class When:
    """Day, time and zone: `Tuesday, 24 November 2026`, `14:30-15:00`, `Europe/Berlin, UTC+01:00`; as text, all three.

    Where the clock changes between start and end, each time has its own offset beside it.
    """

    day: str
    time: str
    zone: str
    brief: str  # for subjects: `Tue 24 Nov 2026, 14:30`

    def __str__(self) -> str:
        return f"{self.day}, {self.time} ({self.zone})"


def describe(start: datetime, end: datetime, *, zone: str, locale: Locale = WORLD_24) -> When:
    """Return the time from `start` to `end` (aware) in the IANA `zone`, in words of `locale`.

    Raises ValueError when there is no such zone.
    """
    place = find_zone(zone)
    begins, ends = start.astimezone(place), end.astimezone(place)
    clock_changes = begins.utcoffset() != ends.utcoffset()
    first, last = (_time(moment, with_offset=clock_changes, locale=locale) for moment in (begins, ends))
    if ends.date() == begins.date():
        time = f"{first} – {last}" if clock_changes else f"{first}–{last}"  # noqa: RUF001  # ranges take an en dash
    else:
        time = f"{first} – {_day(ends, locale)}, {last}"  # noqa: RUF001  # as above
    return When(
        day=_day(begins, locale),
        time=time,
        zone=_place(zone) if clock_changes or zone == "UTC" else f"{_place(zone)}, {_offset(begins)}",
        brief=_format(begins, f"EEE {locale.date_formats['medium'].pattern}, {clock_pattern(locale)}", locale),
    )


def _time(moment: datetime, *, with_offset: bool, locale: Locale) -> str:
    time = _format(moment, clock_pattern(locale), locale)
    return f"{time} {_offset(moment)}" if with_offset else time


def _day(moment: datetime, locale: Locale) -> str:
    return _format(moment, locale.date_formats["full"].pattern, locale)


def _offset(moment: datetime) -> str:
    return f"UTC{_format(moment, 'xxx', WORLD_24)}"


def _place(zone: str) -> str:
    return zone.replace("_", " ")


def _format(moment: datetime, pattern: str, locale: Locale) -> str:
    return format_datetime(moment, pattern, tzinfo=moment.tzinfo, locale=locale)
