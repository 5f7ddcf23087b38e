"""Time, as the whole application sees it: aware and in UTC; zones are applied at the edge."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from webapp.core.words import say

# What dates that people and programs name are held to: far enough for any plan, and nowhere near the ends of what dates
# can say, where the day after, or the same instant in another zone, does not exist.
YEARS = range(1971, 2200)


def now() -> datetime:
    """Return the current instant, aware, in UTC."""
    return datetime.now(UTC)


def find_day(text: str) -> date:
    """Return the date that is written like 2026-11-24; raises ValueError when it is none, or in none of the YEARS."""
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(say("This is not a date; please write it like 2026-11-24.")) from error
    require_year(day)
    return day


def require_year(when: date) -> None:
    """Raise ValueError unless a date, or an instant, is in one of the YEARS."""
    if when.year not in YEARS:
        raise ValueError(
            say("Please choose a year from %(first)s to %(last)s.", first=str(YEARS[0]), last=str(YEARS[-1]))
        )


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """Return every IANA zone name that people may choose.

    `localtime`, `Factory` and `posixrules` name no place, so they are left out.
    """
    return frozenset(name for name in available_timezones() if name not in {"localtime", "Factory", "posixrules"})


def find_zone(name: str) -> ZoneInfo:
    """Return the IANA zone called `name`; raises ValueError when there is none."""
    if name not in zone_names():
        raise ValueError(say("%(name)r is not a time zone; use an IANA name such as Europe/Berlin.", name=name))
    try:
        return ZoneInfo(name)
    except ZoneInfoNotFoundError as error:  # listed, but its file is damaged
        raise ValueError(say("%(name)r cannot be read from this machine's zone database.", name=name)) from error
