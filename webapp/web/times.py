"""Dates and times as readers see them: in a named zone, in the customs of their own locale.

The words are those of the language the page is in; whether the clock counts to 12 or 24 and whether the month or the
day comes first follow the reader's own country (`webapp.core.languages`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_interval, format_time
from babel.lists import format_list
from flask_babel import get_locale
from flask_babel import gettext as _

from webapp.core import clock
from webapp.core.languages import clock_pattern, counts_to_twelve, tag_of

_DEFAULT = Locale.parse("en")
_DAY_FORMATS = {"full": "full", "long": "long", "medium": "medium", "month": "LLLL y", "weekday": "EEEE"}
_DAY_SKELETONS = {"short": "MMMd", "short_weekday": "MMMEd"}


def reader_locale() -> Locale:
    """Return the locale whose customs dates and times of this request follow; plain English outside a request."""
    return get_locale() or _DEFAULT


def reader_tag() -> str:
    """Return the tag of that locale, as it is kept for the mails that its reader gets."""
    return tag_of(reader_locale())


def clock_time(moment: datetime, zone: ZoneInfo) -> str:
    """Return the time of day of `moment` in `zone`, such as 14:30 or 2:30 PM."""
    return _clock(moment.astimezone(zone))


def minute_time(minute: int) -> str:
    """Return a time of day given in minutes from 00:00; 1440 is the end of the day."""
    if minute >= 1440:
        return _clock(time()) if counts_to_twelve(reader_locale()) else "24:00"
    return _clock(time(minute // 60, minute % 60))


def minutes_range(start: int, end: int) -> str:
    """Return a range of times of day, given in minutes from 00:00: `10:00 - 11:00` (with a dash).

    Past 24:00 it is on the next day: `22:00 until 02:00 the next day`.
    """
    if end > 1440:
        closing = minute_time(end - 1440)
        return str(_("%(start)s until %(end)s the next day", start=minute_time(start), end=closing))
    return f"{minute_time(start)} \N{EN DASH} {minute_time(end)}"


def _clock(moment: time | datetime) -> str:
    locale = reader_locale()
    return str(format_time(moment, clock_pattern(locale), locale=locale))


def day_text(day: date | datetime, zone: ZoneInfo | None = None, style: str = "full") -> str:
    """Return a date in words. `day` is a date, or an instant with the `zone` whose date is meant.

    Styles: full (with weekday), long, medium, short (day and month), short_weekday, month (with year), weekday.
    """
    local = day.astimezone(zone).date() if isinstance(day, datetime) else day
    locale = reader_locale()
    if style in _DAY_SKELETONS:
        return str(locale.datetime_skeletons[_DAY_SKELETONS[style]].apply(local, locale))
    return str(format_date(local, _DAY_FORMATS[style], locale=locale))


def days_text(first: date, last: date) -> str:
    """Return the days from `first` to `last` in words, such as `23-29 Nov 2026` (with a dash)."""
    return str(format_interval(first, last, "yMMMd", locale=reader_locale()))


def time_range(start: datetime, end: datetime, zone: ZoneInfo) -> str:
    """Return `14:30 - 15:00` (with a dash); the end names its date when it is another one in `zone`."""
    closing = clock_time(end, zone)
    if end.astimezone(zone).date() != start.astimezone(zone).date():
        closing = f"{closing} ({day_text(end, zone, 'medium')})"
    return f"{clock_time(start, zone)} \N{EN DASH} {closing}"


def offset_text(zone: ZoneInfo, at: datetime | None = None) -> str:
    """Return how far `zone` is from UTC at the instant `at` (now if not given), such as UTC+01:00."""
    offset = (at or clock.now()).astimezone(zone).utcoffset() or timedelta()
    minutes = round(offset.total_seconds() / 60)
    sign = "\N{MINUS SIGN}" if minutes < 0 else "+"
    return f"UTC{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def zone_text(zone: ZoneInfo | str, at: datetime | None = None) -> str:
    """Return a zone as people read it, with its offset at the instant `at`: `America/New York (UTC-05:00)`."""
    zone = clock.find_zone(zone) if isinstance(zone, str) else zone
    if zone.key == "UTC":
        return "UTC"
    return f"{zone.key.replace('_', ' ')} ({offset_text(zone, at)})"


def duration_text(minutes: int) -> str:
    """Return a length of time such as `45 min`, `1 h` or `1 h 30 min`."""
    hours, rest = divmod(minutes, 60)
    parts = (_("%(number)d h", number=hours) if hours else "", _("%(number)d min", number=rest) if rest else "")
    return " ".join(filter(None, parts))


def durations_text(lengths: Sequence[int]) -> str:
    """Return lengths of time to choose from, given in minutes, the shortest first: `30 min, 45 min or 1 h`."""
    words = [duration_text(minutes) for minutes in sorted(lengths)]
    return str(format_list(words, style="or", locale=reader_locale()))


@lru_cache(maxsize=1)
def _places() -> tuple[str, ...]:
    """The zones that the zone database recommends for choosing: one per place, old spellings left out."""
    table = (files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8")
    names = (line.split("\t")[2].strip() for line in table.splitlines() if line and not line.startswith("#"))
    return (*sorted(set(names) & clock.zone_names()), "UTC")


def zone_choices(chosen: str, at: datetime | None = None) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield what a zone picker offers: (region, [(name, label)]); `chosen` is among them whatever its spelling."""
    regions: dict[str, list[tuple[str, str]]] = {}
    names = _places() if chosen in _places() else (chosen, *_places())
    hour = (at or clock.now()).replace(minute=0, second=0, microsecond=0)
    for name in names:
        region = name.split("/")[0] if "/" in name else "UTC"
        regions.setdefault(region, []).append((name, _zone_label(name, hour)))
    yield from sorted(regions.items(), key=lambda item: (item[0] == "UTC", item[0]))


@lru_cache(maxsize=4096)
def _zone_label(name: str, at: datetime) -> str:
    return zone_text(name, at)
