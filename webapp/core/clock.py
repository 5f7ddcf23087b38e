"""Time, as the whole application sees it: aware and in UTC; zones are applied at the edge."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from webapp.core.words import say


def now() -> datetime:
    """Return the current instant, aware, in UTC."""
    return datetime.now(UTC)


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
