from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.runtime import Cron

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/St_Johns", "America/Havana")


def ticks(cron: Cron, start: datetime, end: datetime) -> list[datetime]:
    found = []
    moment = start
    while (tick := cron.next_after(moment)) is not None and tick <= end:
        found.append(tick)
        moment = tick
    return found


def test_a_time_that_the_clock_skips_runs_when_the_skip_is_over() -> None:
    noon = datetime(2026, 3, 28, 12, tzinfo=UTC)
    night = ticks(Cron("30 2 * * *", "Europe/Berlin"), noon, noon + timedelta(days=1))
    assert night == [datetime(2026, 3, 29, 1, 0, tzinfo=UTC)]


def test_a_time_that_the_clock_shows_twice_runs_the_first_time_only() -> None:
    night = ticks(
        Cron("30 2 * * *", "Europe/Berlin"),
        datetime(2026, 10, 24, 12, tzinfo=UTC),
        datetime(2026, 10, 25, 12, tzinfo=UTC),
    )
    assert night == [datetime(2026, 10, 25, 0, 30, tzinfo=UTC)]


@pytest.mark.parametrize("zone", ZONES)
def test_every_five_minutes_means_that_on_the_longest_and_the_shortest_day(zone: str) -> None:
    for start in (datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 9, 25, tzinfo=UTC)):  # around the changes everywhere
        found = ticks(Cron("*/5 * * * *", zone), start, start + timedelta(days=45))
        assert {later - earlier for earlier, later in pairwise(found)} == {timedelta(minutes=5)}


@pytest.mark.parametrize("zone", ZONES)
def test_a_daily_job_runs_once_on_every_calendar_day_of_ten_years(zone: str) -> None:
    start = datetime(2024, 1, 1, tzinfo=ZoneInfo(zone)) - timedelta(minutes=1)
    found = ticks(Cron("30 0 * * *", zone), start, start + timedelta(days=3653))
    days = [tick.astimezone(ZoneInfo(zone)).date() for tick in found]
    assert days == [days[0] + timedelta(days=number) for number in range(len(days))]
    assert len(days) in {3652, 3653}


def test_weekdays_and_days_of_the_month_are_alternatives_as_in_cron() -> None:
    found = ticks(Cron("0 9 13 * 5"), datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 30, tzinfo=UTC))
    assert [tick.day for tick in found] == [6, 13, 20, 27]


def test_a_rare_date_is_found_and_an_impossible_one_is_never() -> None:
    assert Cron("0 0 29 2 *").next_after(datetime(2026, 1, 1, tzinfo=UTC)) == datetime(2028, 2, 29, tzinfo=UTC)
    assert Cron("0 0 31 2 *").next_after(datetime(2026, 1, 1, tzinfo=UTC)) is None


@pytest.mark.parametrize("expression", ["", "* * * *", "61 * * * *", "a b c d e", "* * * * * *", "0 0 L * *", "@daily"])
def test_what_is_no_schedule_is_refused_with_a_sentence(expression: str) -> None:
    with pytest.raises(ValueError, match="is no schedule"):
        Cron(expression)


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="is not a time zone"):
        Cron("* * * * *", "Europe/Atlantis")


@given(
    minute=st.integers(0, 59),
    hour=st.one_of(st.just("*"), st.integers(0, 23).map(str)),
    zone=st.sampled_from(ZONES),
    moment=st.integers(1_704_067_200, 1_893_456_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    span=st.timedeltas(timedelta(), timedelta(days=3)),
)
def test_looking_back_finds_the_tick_that_looking_forward_found_last(
    minute: int, hour: str, zone: str, moment: datetime, span: timedelta
) -> None:
    cron = Cron(f"{minute} {hour} * * *", zone)
    forward = ticks(cron, moment - span, moment)
    assert cron.last_until(moment, after=moment - span) == (forward[-1] if forward else None)
