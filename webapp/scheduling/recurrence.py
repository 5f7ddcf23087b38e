"""On which dates something recurs, by a rule of RFC 5545; pure functions, and none of them takes long.

A rule that never comes again would be looked for until the year 9999, so what may be asked is bounded: days and longer
only, no more than `MOST_COUNT` times, and the first day has to be one that the rule itself names, as the RFC asks. So a
rule comes at least once, and what comes once comes again before long: the calendar repeats itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule, rrulestr

from webapp.core.clock import YEARS
from webapp.core.words import say

MOST_COUNT = 1000
MOST_OF_MONTH, MOST_OF_YEAR = 5, 53  # of one weekday
MOST_INTERVAL = 1000
LONGEST_RULE = 500

_BEYOND_THE_CALENDAR = 10_000_000  # as an interval: only the first day, week, month or year is looked at
_WEEKDAYS = {"MO", "TU", "WE", "TH", "FR", "SA", "SU"}
_FREQUENCIES = {"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}
_ENDS = re.compile(r"\d{8}(T\d{6}Z?)?", re.ASCII)
_BYDAY = re.compile(r"([+-]?[1-9]\d?)?(MO|TU|WE|TH|FR|SA|SU)", re.ASCII)


def normal_rule(text: str, *, first: date, start: int, zone: ZoneInfo) -> str:
    """Return the rule as it is kept: in capitals, its last day as a date.

    `first` is the first day, and `start` the minute from 00:00 in `zone` at which it begins on each, which tell what
    an UNTIL with a time of day still lets happen. Raises ValueError saying what is wrong with the rule.
    """
    parts = _parts(text)
    for name, value in parts.items():
        if not _CHECKS[name](value):
            raise ValueError(
                say("The rule's %(part)s cannot be %(value)s; please look at it again.", part=name, value=value[:40])
            )
    _require_sense(parts)
    if "UNTIL" in parts:
        parts["UNTIL"] = f"{_last_day(parts['UNTIL'], start=start, zone=zone):%Y%m%d}"
    rule = ";".join(f"{name}={value}" for name, value in parts.items())
    if first not in _first_period(rule, first):
        raise ValueError(say("The first day is none of the days that the rule names; please begin on one of them."))
    return rule


def recurs_on(rule: str, *, first: date, begin: date, until: date) -> Iterator[date]:
    """Yield, in order, the dates from `begin` to `until`, both included, on which a normal rule says so."""
    for year in range(max(begin, first).year, until.year + 1):
        yield from (day for day in _in_year(rule, first, year) if begin <= day <= until)


def _parts(text: str) -> dict[str, str]:
    """Return the parts of a rule by their names; raises ValueError when it is none that is understood here."""
    if len(text) > LONGEST_RULE:
        raise ValueError(say("A rule has at most %(most)d characters; please write a shorter one.", most=LONGEST_RULE))
    pairs = [part.partition("=") for part in text.strip().upper().removeprefix("RRULE:").split(";") if part]
    parts = {name: value for name, _equals, value in pairs}
    if len(parts) < len(pairs) or not parts.keys() <= _CHECKS.keys() or "FREQ" not in parts:
        raise ValueError(say("This is not a rule of whole days; please write one like FREQ=WEEKLY;BYDAY=MO,TH."))
    return parts


def _numbers(most: int, *, negative: bool = False) -> Callable[[str], bool]:
    """Return a check for numbers from 1 to `most`, with commas between them; if `negative`, also counted backward."""
    sign = "[+-]?" if negative else r"\+?"

    def check(value: str) -> bool:
        written = re.fullmatch(rf"{sign}\d{{1,4}}(,{sign}\d{{1,4}})*", value, re.ASCII)
        return written is not None and all(1 <= abs(int(number)) <= most for number in value.split(","))

    return check


def _one_number(most: int) -> Callable[[str], bool]:
    return lambda value: "," not in value and _numbers(most)(value)


_CHECKS: dict[str, Callable[[str], bool]] = {
    "FREQ": lambda value: value in _FREQUENCIES,
    "INTERVAL": _one_number(MOST_INTERVAL),
    "COUNT": _one_number(MOST_COUNT),
    "UNTIL": lambda value: _ENDS.fullmatch(value) is not None,
    "WKST": lambda value: value in _WEEKDAYS,
    "BYDAY": lambda value: all(_BYDAY.fullmatch(day) for day in value.split(",")),
    "BYMONTH": _numbers(12),
    "BYMONTHDAY": _numbers(31, negative=True),
    "BYYEARDAY": _numbers(366, negative=True),
    "BYWEEKNO": _numbers(53, negative=True),
    "BYSETPOS": _numbers(366, negative=True),
}


def _require_sense(parts: dict[str, str]) -> None:
    """Raise ValueError for parts that RFC 5545 does not let stand together."""
    frequency = parts["FREQ"]
    if "COUNT" in parts and "UNTIL" in parts:
        raise ValueError(say("A rule ends by COUNT or by UNTIL; please leave one of them out."))
    counted = re.search(r"\d", parts.get("BYDAY", ""))
    if counted and (frequency in {"DAILY", "WEEKLY"} or "BYWEEKNO" in parts):
        raise ValueError(
            say("Weekdays are counted within months and years only; please leave out the numbers of BYDAY.")
        )
    # Beyond that, dateutil looks for days outside the year.
    most = MOST_OF_MONTH if frequency == "MONTHLY" or "BYMONTH" in parts else MOST_OF_YEAR
    if any(int(number) > most for number in re.findall(r"\d+", parts.get("BYDAY", ""))):
        raise ValueError(say("BYDAY counts to %(most)d at most here; please give smaller numbers.", most=most))
    only_yearly = {"BYWEEKNO", "BYYEARDAY"} & parts.keys()
    if only_yearly and frequency != "YEARLY":
        raise ValueError(say("%(part)s belongs to FREQ=YEARLY alone; please leave it out.", part=only_yearly.pop()))
    if "BYMONTHDAY" in parts and frequency == "WEEKLY":
        raise ValueError(say("BYMONTHDAY does not belong to FREQ=WEEKLY; please leave it out."))
    if "BYSETPOS" in parts and not any(name.startswith("BY") for name in parts.keys() - {"BYSETPOS"}):
        raise ValueError(say("BYSETPOS chooses among other BY… parts; please leave it out."))


def _last_day(until: str, *, start: int, zone: ZoneInfo) -> date:
    """Return the last date on which what begins at the minute `start` begins by `until`."""
    try:
        if int(until[:4]) < YEARS[0]:
            raise ValueError
        if len(until) == 8:
            return datetime.strptime(until, "%Y%m%d").replace(tzinfo=zone).date()
        moment = datetime.strptime(until.removesuffix("Z"), "%Y%m%dT%H%M%S").replace(tzinfo=zone)
        if until.endswith("Z"):
            moment = moment.replace(tzinfo=UTC).astimezone(zone)
        begins = datetime.combine(moment.date(), time(start // 60, start % 60), zone)
        return moment.date() if begins <= moment else moment.date() - timedelta(days=1)
    except (ValueError, OverflowError) as error:
        raise ValueError(say("The rule's UNTIL is no date; please write it like 20261224.")) from error


def _first_period(rule: str, first: date) -> Iterable[date]:
    """Return what the rule names in the day, week, month or year of the first day, and look no further."""
    return [moment.date() for moment in _read(rule, first).replace(interval=_BEYOND_THE_CALENDAR)]


@lru_cache(maxsize=16_384)
def _in_year(rule: str, first: date, year: int) -> tuple[date, ...]:
    found = _read(rule, first).between(datetime(year, 1, 1), datetime(year, 12, 31), inc=True)  # noqa: DTZ001  # wall-clock dates
    return tuple(moment.date() for moment in found)


def _read(rule: str, first: date) -> rrule:
    read: rrule = rrulestr(rule, dtstart=datetime.combine(first, time()))
    return read
