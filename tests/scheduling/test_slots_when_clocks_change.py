"""What guests elsewhere are offered, and what is offered where clocks change: gaps, folds and half hours."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from tests.scheduling.one_host import (
    FIVE,
    MIDNIGHT,
    MONDAY,
    NEW_YORK,
    NINE,
    NINE_TO_FIVE,
    UTC,
    daily,
    seen,
)
from tests.scheduling.slot_oracle import minute
from webapp.scheduling.slots import Hours, Span, offered


class TestGuestsElsewhere:
    def test_a_guest_sees_the_slots_of_their_own_date(self) -> None:
        # 09:00-17:00 in New York is 23:00-07:00 in Sydney: one on Monday, the others on Tuesday.
        terms = replace(NINE_TO_FIVE, zone=NEW_YORK, hours=(Hours(0, NINE, FIVE),))
        sydney = ZoneInfo("Australia/Sydney")
        assert seen(terms, MONDAY, zone=sydney) == ["23:00"]
        assert seen(terms, date(2026, 6, 2), zone=sydney)[:2] == ["00:00", "01:00"]

    def test_quarter_hour_zones_are_exact(self) -> None:
        assert seen(NINE_TO_FIVE, MONDAY, zone=ZoneInfo("Asia/Kathmandu"))[0] == "14:45"

    def test_a_date_that_never_was_holds_nothing(self) -> None:
        # Samoa went from 29 to 31 December 2011.
        apia, now = ZoneInfo("Pacific/Apia"), minute("2011-12-20 00:00")
        always = replace(NINE_TO_FIVE, hours=daily((0, MIDNIGHT)))
        assert seen(always, date(2011, 12, 30), zone=apia, now=now) == []
        assert len(seen(always, date(2011, 12, 29), date(2011, 12, 31), zone=apia, now=now)) == 48
        assert seen(replace(always, zone=apia), date(2011, 12, 30), now=now) == []


class TestWhenTheClocksChange:
    """New York: forward on 8 March 2026 (02:00 is 03:00), back on 1 November 2026 (01:00-02:00 comes twice)."""

    FORWARD, BACK = date(2026, 3, 8), date(2026, 11, 1)

    @pytest.mark.parametrize(
        ("day", "first_start", "last_start"),
        [
            ("2026-03-07", "14:00", "21:00"),
            ("2026-03-08", "13:00", "20:00"),
            ("2026-03-09", "13:00", "20:00"),
            ("2026-10-31", "13:00", "20:00"),
            ("2026-11-01", "14:00", "21:00"),
            ("2026-11-02", "14:00", "21:00"),
        ],
    )
    def test_nine_to_five_stays_nine_to_five_when_the_clocks_change(
        self, day: str, first_start: str, last_start: str
    ) -> None:
        terms = replace(NINE_TO_FIVE, zone=NEW_YORK)
        assert seen(terms, date.fromisoformat(day))[::7] == ["09:00", "16:00"]
        assert seen(terms, date.fromisoformat(day), zone=UTC)[::7] == [first_start, last_start]

    @pytest.mark.parametrize("change", [FORWARD, BACK])
    def test_a_minimum_notice_that_lands_on_the_change_shifts_nothing(self, change: date) -> None:
        terms = replace(NINE_TO_FIVE, zone=NEW_YORK, interval=30)
        usual = seen(terms, change)
        eve = minute(change.isoformat()) - 1440
        for notice in range(1440, 3 * 1440, 17):
            times = seen(replace(terms, minimum_notice=notice), change, now=eve)
            assert times == usual[len(usual) - len(times) :]

    def test_one_to_three_lasts_three_hours_in_the_night_with_an_hour_twice(self) -> None:
        terms = replace(NINE_TO_FIVE, zone=NEW_YORK, hours=daily((60, 180)))
        assert seen(terms, self.BACK) == ["01:00", "01:00", "02:00"]
        assert seen(terms, self.BACK, zone=UTC) == ["05:00", "06:00", "07:00"]

    def test_one_to_four_lasts_two_hours_in_the_night_with_an_hour_missing(self) -> None:
        terms = replace(NINE_TO_FIVE, zone=NEW_YORK, hours=daily((60, 240)))
        assert seen(terms, self.FORWARD) == ["01:00", "03:00"]
        assert seen(terms, self.FORWARD, zone=UTC) == ["06:00", "07:00"]

    def test_hours_that_begin_in_the_missing_hour_begin_after_it(self) -> None:
        terms = replace(NINE_TO_FIVE, zone=NEW_YORK, hours=daily((150, 270)))
        assert seen(terms, self.FORWARD) == ["03:00"]
        assert seen(replace(terms, duration=30, interval=30), self.FORWARD) == ["03:00", "03:30", "04:00"]

    def test_hours_that_end_in_the_missing_hour_end_before_it(self) -> None:
        terms = replace(NINE_TO_FIVE, zone=NEW_YORK, hours=daily((60, 150)), duration=30, interval=30)
        assert seen(terms, self.FORWARD) == ["01:00", "01:30"]

    @pytest.mark.parametrize("hours", [(125, 175), (120, 180), (120, 150), (150, 180)])
    def test_hours_within_the_missing_hour_do_not_happen(self, hours: Span) -> None:
        terms = replace(NINE_TO_FIVE, zone=NEW_YORK, hours=daily(hours), duration=15, interval=15)
        assert seen(terms, self.FORWARD) == []

    def test_a_break_in_the_repeated_hour_is_had_twice(self) -> None:
        terms = replace(NINE_TO_FIVE, zone=NEW_YORK, hours=daily((0, 75), (105, 180)), duration=15, interval=15)
        on_the_hour_and_quarter = ["00:00", "00:15", "00:30", "00:45", "01:00"]
        twice = ["01:45", "01:00"]
        assert seen(terms, self.BACK) == [*on_the_hour_and_quarter, *twice, "01:45", "02:00", "02:15", "02:30", "02:45"]

    def test_starts_stay_an_interval_apart_across_the_change(self) -> None:
        terms = replace(NINE_TO_FIVE, zone=NEW_YORK, hours=daily((0, 360)), interval=90)
        for change in (self.FORWARD, self.BACK):
            now = minute(change.isoformat()) - 1440
            starts = offered(terms.rules, [terms.diary()], now=now, first=change, last=change, zone=NEW_YORK)
            assert {later - sooner for sooner, later in pairwise(starts)} == {90}

    def test_half_an_hour_on_lord_howe_island_moves_no_working_day(self) -> None:
        terms = replace(NINE_TO_FIVE, zone=ZoneInfo("Australia/Lord_Howe"))
        for day in (date(2026, 4, 4), date(2026, 4, 5), date(2026, 4, 6), date(2026, 10, 4), date(2026, 10, 5)):
            assert seen(terms, day) == seen(NINE_TO_FIVE, MONDAY)

    def test_a_night_on_lord_howe_island_goes_on_by_the_half_hour(self) -> None:
        terms = replace(NINE_TO_FIVE, zone=ZoneInfo("Australia/Lord_Howe"), hours=daily((0, 300)))
        assert seen(terms, date(2026, 4, 5)) == ["00:00", "01:00", "01:30", "02:30", "03:30"]
        assert seen(terms, date(2026, 10, 4)) == ["00:00", "01:00", "02:30", "03:30"]

    def test_a_day_without_midnight_begins_when_it_can(self) -> None:
        # Havana goes from 00:00 to 01:00 on 8 March 2026.
        terms = replace(NINE_TO_FIVE, zone=ZoneInfo("America/Havana"), hours=daily((0, MIDNIGHT)))
        assert seen(terms, self.FORWARD)[:2] == ["01:00", "02:00"]
        assert len(seen(terms, self.FORWARD)) == 23

    def test_an_evening_with_its_last_hour_twice_is_an_hour_longer(self) -> None:
        # Beirut goes from 24:00 to 23:00 on 24 October 2026.
        terms = replace(NINE_TO_FIVE, zone=ZoneInfo("Asia/Beirut"), hours=daily((21 * 60, MIDNIGHT)))
        assert seen(terms, date(2026, 10, 24)) == ["21:00", "22:00", "23:00", "23:00"]

    def test_a_date_that_comes_back_after_midnight_is_still_one_date(self) -> None:
        # St. John's went from 00:01 on 7 November 2010 back to 23:01 on the 6th.
        st_johns, now = ZoneInfo("America/St_Johns"), minute("2010-11-05 00:00")
        always = replace(NINE_TO_FIVE, zone=st_johns, hours=daily((0, MIDNIGHT)), interval=1, duration=1)
        saturday, sunday = date(2010, 11, 6), date(2010, 11, 7)
        assert len(seen(always, saturday, now=now)) == 1440 + 59
        assert len(seen(always, sunday, now=now)) == 1440 + 1
        begin = minute("2010-11-06 00:00-02:30")
        both = offered(always.rules, [always.diary()], now=now, first=saturday, last=sunday, zone=st_johns)
        assert both == list(range(begin, begin + 49 * 60))

    def test_two_hours_at_troll_are_two_hours(self) -> None:
        terms = replace(NINE_TO_FIVE, zone=ZoneInfo("Antarctica/Troll"), hours=daily((0, 300)))
        assert seen(terms, date(2026, 3, 29)) == ["00:00", "03:00", "04:00"]
        assert len(seen(terms, date(2026, 10, 25))) == 7
