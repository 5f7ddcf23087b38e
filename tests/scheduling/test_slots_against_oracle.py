"""The engine and the oracle have to agree, whatever the hours, the zones, the buffers and the day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import given
from hypothesis import strategies as st

from tests.scheduling.slot_oracle import Oracle, minute, on_the_clock
from webapp.scheduling.slots import Diary, Hours, Limits, Override, Rules, check, offered

ZONES = (
    "Africa/Casablanca",  # changes for Ramadan
    "Africa/El_Aaiun",
    "America/Havana",  # changes at midnight
    "America/New_York",
    "America/Nuuk",  # changes on the evening before
    "America/St_Johns",  # half an hour from its neighbours
    "Antarctica/Troll",  # changes by two hours
    "Asia/Beirut",  # the hour before midnight comes twice
    "Asia/Kathmandu",  # :45
    "Australia/Lord_Howe",  # changes by half an hour
    "Europe/London",
    "Pacific/Apia",  # UTC+13
    "Pacific/Chatham",  # :45, and it changes
    "Pacific/Pago_Pago",  # UTC-11
    "UTC",
)
YEARS = (date(2024, 1, 1), date(2030, 12, 31))


def midnight(day: date) -> int:
    return minute(day.isoformat())


def distance(at: int, zone: ZoneInfo) -> timedelta | None:
    return on_the_clock(at, zone).utcoffset()


def changes(zone: ZoneInfo) -> Iterator[int]:
    """Find the quarter hours, in UTC minutes, at which the clocks of a zone change."""
    first, last = map(midnight, YEARS)
    before = distance(first, zone)
    for day in range(first, last, 1440):
        after = distance(day + 1440, zone)
        if after != before:
            yield next(at for at in range(day, day + 1441, 15) if distance(at, zone) != before)
        before = after


@lru_cache
def change_days(name: str) -> list[date]:
    return [on_the_clock(at, ZoneInfo("UTC")).date() for at in changes(ZoneInfo(name))]


@dataclass(frozen=True)
class Case:
    """One host or several who all have to be there, one guest, one moment."""

    rules: Rules
    diaries: list[Diary]
    guest: ZoneInfo
    now: int
    first: date
    last: date

    def offered(self) -> list[int]:
        return self._offered(self.first, self.last)

    def offered_on(self, day: date) -> list[int]:
        return self._offered(day, day)

    def check(self, start: int) -> str | None:
        return check(self.rules, self.diaries, now=self.now, start=start)

    def oracle(self, begin: int, end: int) -> Oracle:
        return Oracle(self.rules, self.diaries, now=self.now, begin=begin, end=end)

    def _offered(self, first: date, last: date) -> list[int]:
        return offered(self.rules, self.diaries, now=self.now, first=first, last=last, zone=self.guest)


times = st.one_of(st.integers(0, 96).map(lambda quarter: quarter * 15), st.integers(0, 1440))
in_a_day = st.tuples(times, times).filter(lambda pair: pair[0] != pair[1]).map(lambda pair: (min(pair), max(pair)))
past_midnight = st.tuples(times.filter(lambda start: start < 1440), times.map(lambda after: 1440 + after))
ranges = st.one_of(in_a_day, in_a_day, past_midnight.filter(lambda pair: pair[0] < pair[1]))
open_all_week = tuple(Hours(weekday, 0, 1440) for weekday in range(7))
weekly_hours = st.one_of(
    st.lists(st.builds(lambda weekday, pair: Hours(weekday, *pair), st.integers(0, 6), ranges), max_size=20).map(tuple),
    st.lists(ranges, min_size=1, max_size=3).map(
        lambda pairs: tuple(Hours(weekday, *pair) for pair in pairs for weekday in range(7))
    ),
    st.just(open_all_week),
)
buffers = st.one_of(st.just(0), st.integers(0, 90))


limits = st.one_of(
    st.just(Limits()),
    st.builds(
        Limits,
        per_day=st.none() | st.integers(1, 3),
        per_week=st.none() | st.integers(1, 4),
        per_month=st.none() | st.integers(1, 5),
    ),
)


def diaries(zone: ZoneInfo, first: date) -> st.SearchStrategy[Diary]:
    """What the diary of somebody in `zone` may say around a date."""
    near = st.integers(-1, 3).map(lambda after: first + timedelta(days=after))
    moment = st.integers(-1440, 3 * 1440).map(lambda after: midnight(first) + after)
    lengths = st.one_of(st.integers(0, 120), st.integers(0, 1440))
    taken = st.lists(st.builds(lambda begin, length: (begin, begin + length), moment, lengths), max_size=6)
    overrides = st.builds(Override, day=near, ranges=st.lists(ranges, max_size=3).map(tuple))
    return st.builds(
        Diary,
        zone=st.just(zone),
        hours=weekly_hours,
        overrides=st.lists(overrides, max_size=2, unique_by=lambda override: override.day).map(tuple),
        busy=taken,
        own=taken,
        starts=st.lists(st.one_of(moment, moment.map(lambda at: at - 20 * 1440)), max_size=4),
        joinable=st.lists(moment, max_size=2),
        blocked=taken,
    )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    hosts = draw(st.one_of(*(st.lists(st.sampled_from(ZONES), min_size=1, max_size=most) for most in (1, 1, 3))))
    host, guest = hosts[0], draw(st.sampled_from(ZONES))
    # Mostly days on which somebody's clocks change, for that is where engines break.
    days = change_days(host) + change_days(guest) or list(YEARS)
    day = draw(st.one_of(st.sampled_from(days), st.sampled_from(days), st.dates(*YEARS)))
    first = day - timedelta(days=draw(st.integers(0, 1)))
    rules = Rules(
        duration=draw(st.one_of(st.sampled_from([15, 30, 60]), st.integers(1, 240), st.integers(1, 1440))),
        interval=draw(st.one_of(st.sampled_from([5, 15, 30, 60]), st.integers(1, 120), st.integers(1, 1440))),
        offset=draw(st.one_of(st.just(0), st.integers(0, 90))),
        buffer_before=draw(buffers),
        buffer_after=draw(buffers),
        buffers_among_own=draw(st.booleans()),
        limits=draw(limits),
        minimum_notice=draw(st.one_of(st.just(0), st.integers(0, 2 * 1440))),
        horizon_days=draw(st.integers(1, 6)),
    )
    return Case(
        rules=rules,
        diaries=[draw(diaries(ZoneInfo(name), first)) for name in hosts],
        guest=ZoneInfo(guest),
        now=midnight(first) + draw(st.integers(-3 * 1440, 1440)),
        first=first,
        last=first + timedelta(days=draw(st.integers(0, 2))),
    )


@given(case=cases())
def test_what_is_offered_is_what_brute_force_finds(case: Case) -> None:
    # A day more on either side, for the guest may be far from UTC.
    oracle = case.oracle(midnight(case.first) - 1440, midnight(case.last) + 2 * 1440)
    assert case.offered() == oracle.offered(case.first, case.last, case.guest)


@given(case=cases(), shift=st.integers(-1440, 2 * 1440))
def test_each_minute_is_accepted_or_refused_for_the_reason_brute_force_finds(case: Case, shift: int) -> None:
    begin = midnight(case.first) + shift
    oracle = case.oracle(begin, begin + 480)
    for start in range(begin, begin + 480):
        assert case.check(start) == oracle.verdict(start), on_the_clock(start, case.diaries[0].zone)


@given(case=cases())
def test_what_is_offered_is_what_is_accepted(case: Case) -> None:
    starts = case.offered()
    nearby = {start + aside for start in starts for aside in (-1, 0, 1)}
    accepted = {start for start in nearby if case.check(start) is None}
    on_these_dates = {start for start in accepted if case.first <= on_the_clock(start, case.guest).date() <= case.last}
    assert on_these_dates == set(starts)


@given(case=cases())
def test_the_dates_asked_for_do_not_change_what_each_of_them_offers(case: Case) -> None:
    days = [case.first + timedelta(days=after) for after in range((case.last - case.first).days + 1)]
    one_by_one = [start for day in days for start in case.offered_on(day)]
    assert sorted(one_by_one) == case.offered()


def test_every_change_of_the_clocks_in_the_world_is_survived() -> None:
    seen: set[tuple[int, timedelta | None, timedelta | None]] = set()
    for name in sorted(available_timezones()):
        zone = ZoneInfo(name)
        for at in changes(zone):
            change = at, distance(at - 1, zone), distance(at, zone)
            if change not in seen:
                seen.add(change)
                survive(zone, at)
    assert len(seen) > 300


def survive(zone: ZoneInfo, change: int) -> None:
    """Compare engine and oracle on the UTC date of a change and the next, for hours with seams in awkward places.

    The last hours of a day end past midnight, those of every other weekday in the midst of the next day's first ones.
    """
    day = on_the_clock(change, ZoneInfo("UTC")).date()
    daily = ((10, 95), (95, 140), (150, 1395))
    late = tuple(Hours(weekday, 1410, 1446 if weekday % 2 else 1490) for weekday in range(7))
    diary = Diary(zone, (*late, *(Hours(weekday, *pair) for weekday in range(7) for pair in daily)))
    rules = Rules(
        duration=20,
        interval=25,
        buffer_before=0,
        buffer_after=0,
        minimum_notice=0,
        horizon_days=30,
    )
    now, last = midnight(day), day + timedelta(days=1)
    starts = offered(rules, [diary], now=now, first=day, last=last, zone=ZoneInfo("UTC"))
    oracle = Oracle(rules, [diary], now=now, begin=now, end=now + 2 * 1440)
    assert starts == oracle.offered(day, last, ZoneInfo("UTC")), (zone, day)
