"""On which dates a rule of RFC 5545 says something recurs, and which rules are refused."""

from __future__ import annotations

from datetime import date, timedelta
from time import perf_counter
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.core.words import Said
from webapp.scheduling.recurrence import normal_rule, recurs_on

MONDAY = date(2026, 6, 1)
BERLIN = ZoneInfo("Europe/Berlin")


def normal(rule: str, first: date = MONDAY, start: int = 540) -> str:
    return normal_rule(rule, first=first, start=start, zone=BERLIN)


def days(rule: str, first: date, begin: date, until: date) -> list[date]:
    return list(recurs_on(normal(rule, first), first=first, begin=begin, until=until))


@pytest.mark.parametrize(
    ("rule", "first", "expected"),
    [
        ("FREQ=DAILY;INTERVAL=10", MONDAY, ["06-01", "06-11", "06-21", "07-01"]),
        ("FREQ=WEEKLY;BYDAY=MO,TH;COUNT=3", MONDAY, ["06-01", "06-04", "06-08"]),
        ("FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=SU,MO", MONDAY, ["06-01", "06-14", "06-15", "06-28", "06-29"]),
        ("FREQ=MONTHLY;BYDAY=-1FR", date(2026, 6, 26), ["06-26"]),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", date(2026, 6, 30), ["06-30"]),
        ("RRULE:freq=weekly;until=20260615T065959Z", MONDAY, ["06-01", "06-08"]),  # 08:59:59 in Berlin, a second early
        ("FREQ=WEEKLY;UNTIL=20260615T070000Z", MONDAY, ["06-01", "06-08", "06-15"]),
        ("FREQ=WEEKLY;UNTIL=20260615", MONDAY, ["06-01", "06-08", "06-15"]),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1", MONDAY, ["06-01", "07-01"]),
    ],
)
def test_a_rule_says_when(rule: str, first: date, expected: list[str]) -> None:
    found = days(rule, first, MONDAY, date(2026, 7, 2))
    assert [f"{day:%m-%d}" for day in found] == expected


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "FREQ=SECONDLY",
        "FREQ=MINUTELY;INTERVAL=5",
        "FREQ=HOURLY",
        "FREQ=DAILY;BYHOUR=1,2,3",
        "FREQ=DAILY;BYEASTER=1",
        "FREQ=DAILY;FREQ=WEEKLY",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=1001",
        "FREQ=DAILY;COUNT=1001",
        "FREQ=DAILY;COUNT=3;UNTIL=20270101",
        "FREQ=DAILY;UNTIL=20261399",
        "FREQ=DAILY;UNTIL=20200101",  # over before it begins
        "FREQ=DAILY;UNTIL=00010101",
        "FREQ=DAILY;UNTIL=09991231T235959Z",
        "FREQ=WEEKLY;BYDAY=",
        "FREQ=WEEKLY;BYDAY=2MO",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=MONTHLY;BYDAY=99MO",
        "FREQ=MONTHLY;BYDAY=1MO,6MO",
        "FREQ=MONTHLY;BYDAY=1MO,-6TU",
        "FREQ=YEARLY;BYMONTH=6;BYDAY=1MO,53MO",
        "FREQ=YEARLY;BYDAY=22MO,54MO",
        "FREQ=WEEKLY;BYDAY=TU",  # the first day is a Monday
        "FREQ=WEEKLY;BYMONTHDAY=1",
        "FREQ=MONTHLY;BYWEEKNO=3",
        "FREQ=MONTHLY;BYSETPOS=1",
        "FREQ=MONTHLY;BYMONTHDAY=32",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",  # would be looked for until the year 9999
        "FREQ=DAILY;" + "BYMONTHDAY=" + ",".join(["1"] * 300),
        "DTSTART:20260601T090000\nRRULE:FREQ=SECONDLY",
    ],
)
def test_a_rule_that_makes_no_sense_or_too_much_work_is_refused_at_once(rule: str) -> None:
    began = perf_counter()
    with pytest.raises(ValueError, match=r"\.$") as refused:
        normal(rule)
    assert isinstance(refused.value.args[0], Said)
    assert perf_counter() - began < 1


def test_the_rarest_rule_is_looked_for_without_end() -> None:
    first = date(2028, 2, 29)  # a Tuesday; the next such day is in 2056
    began = perf_counter()
    assert days("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29;BYDAY=TU", first, date(2029, 1, 1), date(2030, 12, 31)) == []
    assert perf_counter() - began < 2


_DAYS = st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"])
_COUNTED = st.tuples(st.just("") | st.integers(-60, 99).map(str), _DAYS).map("".join)


def _listed(parts: st.SearchStrategy[object]) -> st.SearchStrategy[str]:
    return st.lists(parts.map(str), min_size=1, max_size=3).map(",".join)


_PARTS = {
    "INTERVAL": st.integers(0, 1001),
    "COUNT": st.integers(0, 1001),
    "UNTIL": st.dates().map("{:%Y%m%d}".format) | st.datetimes().map("{:%Y%m%dT%H%M%SZ}".format),
    "WKST": _DAYS,
    "BYDAY": _listed(_COUNTED) | _listed(_DAYS),
    "BYMONTH": _listed(st.integers(1, 12)),
    "BYMONTHDAY": _listed(st.integers(-32, 32)),
    "BYYEARDAY": _listed(st.integers(-367, 367)),
    "BYWEEKNO": _listed(st.integers(-54, 54)),
    "BYSETPOS": _listed(st.integers(-3, 3)),
    "BYHOUR": st.integers(0, 23),
}


@st.composite
def _rules(draw: st.DrawFn) -> str:
    names = draw(st.lists(st.sampled_from([*_PARTS]), unique=True, max_size=3))
    frequency = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY", "HOURLY"]))
    return ";".join([f"FREQ={frequency}", *(f"{name}={draw(_PARTS[name])}" for name in names)])


def _kept(rule: str, first: date) -> str | None:
    """The rule as it is kept, None when it is refused in our own words."""
    try:
        return normal(rule, first)
    except ValueError as error:
        if isinstance(error.args[0], Said):
            return None
        raise


@given(rule=_rules() | st.text(max_size=60), first=st.dates(date(1990, 1, 1), date(2060, 1, 1)))
def test_every_rule_is_refused_in_words_or_says_when_before_long(rule: str, first: date) -> None:
    began = perf_counter()
    if kept := _kept(rule, first):
        assert first in recurs_on(kept, first=first, begin=first, until=first)
        later = first + timedelta(days=3660)
        assert all(day >= later for day in recurs_on(kept, first=first, begin=later, until=later + timedelta(days=400)))
        assert normal(kept, first) == kept
    assert perf_counter() - began < 5


@given(
    rule=st.sampled_from(
        ["FREQ=DAILY", "FREQ=DAILY;INTERVAL=3", "FREQ=WEEKLY;BYDAY=MO,WE,SU", "FREQ=MONTHLY", "FREQ=WEEKLY;COUNT=70"]
    ),
    begin=st.integers(-40, 800),
    length=st.integers(0, 500),
)
def test_what_is_asked_for_does_not_change_what_recurs(rule: str, begin: int, length: int) -> None:
    first, last = MONDAY + timedelta(days=begin), MONDAY + timedelta(days=begin + length)
    everything = days(rule, MONDAY, MONDAY, MONDAY + timedelta(days=1500))
    assert days(rule, MONDAY, first, last) == [day for day in everything if first <= day <= last]
