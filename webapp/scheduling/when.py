"""A meeting's time in words, in somebody's own time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from babel import Locale
from babel.dates import format_datetime

from webapp.core.clock import find_zone

_DAY = "EEEE, d MMMM y"
_TIME = "HH:mm"


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


def describe(start: datetime, end: datetime, *, zone: str, locale: Locale | str = "en") -> When:
    """Return the time from `start` to `end` (aware) in the IANA `zone`; raises ValueError when there is none such."""
    place = find_zone(zone)
    begins, ends = start.astimezone(place), end.astimezone(place)
    clock_changes = begins.utcoffset() != ends.utcoffset()
    first, last = (_time(moment, with_offset=clock_changes, locale=locale) for moment in (begins, ends))
    if ends.date() == begins.date():
        time = f"{first} – {last}" if clock_changes else f"{first}–{last}"  # noqa: RUF001  # ranges take an en dash
    else:
        time = f"{first} – {_format(ends, _DAY, locale)}, {last}"  # noqa: RUF001  # as above
    return When(
        day=_format(begins, _DAY, locale),
        time=time,
        zone=_place(zone) if clock_changes or zone == "UTC" else f"{_place(zone)}, {_offset(begins)}",
        brief=_format(begins, f"EEE d MMM y, {_TIME}", locale),
    )


def _time(moment: datetime, *, with_offset: bool, locale: Locale | str) -> str:
    time = _format(moment, _TIME, locale)
    return f"{time} {_offset(moment)}" if with_offset else time


def _offset(moment: datetime) -> str:
    return f"UTC{_format(moment, 'xxx', 'en')}"


def _place(zone: str) -> str:
    return zone.replace("_", " ")


def _format(moment: datetime, pattern: str, locale: Locale | str) -> str:
    return format_datetime(moment, pattern, tzinfo=moment.tzinfo, locale=locale)
