"""What hosts and guests can rely on, with the times written out."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

import pytest

from tests.scheduling.one_host import (
    FIVE,
    LONG_BEFORE,
    MIDNIGHT,
    MONDAY,
    NEW_YORK,
    NINE,
    NINE_TO_FIVE,
    TWELVE,
    UTC,
    between,
    daily,
    refusal,
    seen,
)
from tests.scheduling.slot_oracle import minute, on_the_clock
from webapp.scheduling.slots import Hours, Limits, Override, Refusal, check, offered


class TestTheGrid:
    def test_nine_o_clock_every_quarter_gives_quarters(self) -> None:
        terms = replace(NINE_TO_FIVE, interval=15)
        assert seen(terms, MONDAY)[:5] == ["09:00", "09:15", "09:30", "09:45", "10:00"]

    def test_the_last_meeting_ends_when_the_day_does(self) -> None:
        assert seen(NINE_TO_FIVE, MONDAY)[-1] == "16:00"
        assert seen(replace(NINE_TO_FIVE, duration=61), MONDAY)[-1] == "15:00"

    def test_a_meeting_longer_than_the_day_is_never_offered(self) -> None:
        assert seen(replace(NINE_TO_FIVE, duration=8 * 60 + 1), MONDAY) == []

    def test_hours_that_touch_or_overlap_are_one(self) -> None:
        whole = seen(replace(NINE_TO_FIVE, interval=50), MONDAY)
        touching = replace(NINE_TO_FIVE, interval=50, hours=daily((TWELVE, FIVE), (NINE, TWELVE)))
        overlapping = replace(NINE_TO_FIVE, interval=50, hours=daily((NINE, 800), (TWELVE, FIVE)))
        assert seen(touching, MONDAY) == seen(overlapping, MONDAY) == whole

    def test_after_a_break_the_grid_starts_anew(self) -> None:
        terms = replace(NINE_TO_FIVE, hours=daily((NINE, TWELVE), (12 * 60 + 45, 15 * 60)), duration=30, interval=45)
        assert seen(terms, MONDAY) == ["09:00", "09:45", "10:30", "11:15", "12:45", "13:30", "14:15"]

    def test_a_meeting_may_run_past_midnight_when_both_sides_are_open(self) -> None:
        terms = replace(NINE_TO_FIVE, hours=(Hours(0, 22 * 60, MIDNIGHT), Hours(1, 0, 60)), duration=90, interval=30)
        assert seen(terms, MONDAY) == ["22:00", "22:30", "23:00", "23:30"]
        assert seen(terms, date(2026, 6, 2)) == []

    def test_a_meeting_may_not_run_past_midnight_into_a_closed_day(self) -> None:
        terms = replace(NINE_TO_FIVE, hours=(Hours(0, 22 * 60, MIDNIGHT), Hours(1, 0, 60)), duration=90, interval=30)
        closed = replace(terms, overrides=(Override(date(2026, 6, 2), ()),))
        assert seen(closed, MONDAY) == ["22:00", "22:30"]

    def test_who_is_always_open_offers_the_same_times_every_day(self) -> None:
        terms = replace(NINE_TO_FIVE, hours=daily((0, MIDNIGHT)), interval=70)
        times = seen(terms, MONDAY)
        assert times[:2] == ["00:00", "01:10"]
        assert len(times) == 21
        assert seen(terms, date(2026, 6, 2)) == times
        assert seen(terms, MONDAY, date(2026, 6, 2)) == times * 2

    def test_who_is_always_open_can_be_met_at_every_minute(self) -> None:
        terms = replace(NINE_TO_FIVE, hours=daily((0, MIDNIGHT)), interval=1)
        assert len(seen(terms, MONDAY)) == MIDNIGHT
        assert len(seen(replace(terms, duration=1), MONDAY)) == MIDNIGHT

    @pytest.mark.parametrize("zone", ["Pacific/Apia", "Pacific/Pago_Pago", "UTC"])
    def test_a_meeting_of_a_whole_day_may_begin_at_any_hour(self, zone: str) -> None:
        terms = replace(NINE_TO_FIVE, zone=ZoneInfo(zone), hours=daily((0, MIDNIGHT)), duration=MIDNIGHT)
        assert len(seen(terms, MONDAY)) == 24
        for hour in range(24):
            assert refusal(terms, f"2026-06-01 {hour:02}:00") is None


class TestDates:
    def test_only_the_weekdays_that_have_hours_are_offered(self) -> None:
        terms = replace(NINE_TO_FIVE, hours=(Hours(0, NINE, NINE + 60), Hours(2, TWELVE, TWELVE + 60)))
        assert seen(terms, MONDAY, date(2026, 6, 7)) == ["09:00", "12:00"]

    def test_a_date_can_be_closed(self) -> None:
        terms = replace(NINE_TO_FIVE, overrides=(Override(MONDAY, ()),))
        assert seen(terms, MONDAY) == []
        assert len(seen(terms, MONDAY, date(2026, 6, 2))) == 8

    def test_a_date_can_have_other_hours(self) -> None:
        terms = replace(NINE_TO_FIVE, overrides=(Override(MONDAY, ((20 * 60, 21 * 60), (6 * 60, 7 * 60))),))
        assert seen(terms, MONDAY) == ["06:00", "20:00"]

    def test_a_date_can_be_opened_on_a_free_weekday(self) -> None:
        terms = replace(NINE_TO_FIVE, hours=(), overrides=(Override(MONDAY, ((NINE, NINE + 60),)),))
        assert seen(terms, MONDAY, date(2026, 6, 2)) == ["09:00"]

    def test_no_hours_no_offers(self) -> None:
        assert seen(replace(NINE_TO_FIVE, hours=()), MONDAY, date(2026, 6, 30)) == []

    def test_dates_the_wrong_way_round_hold_nothing(self) -> None:
        assert seen(NINE_TO_FIVE, MONDAY, date(2026, 5, 20), now=LONG_BEFORE) == []

    def test_all_dates_there_are_may_be_asked_for(self) -> None:
        terms = replace(NINE_TO_FIVE, horizon_days=2)
        assert len(seen(terms, date.min, date.max, now=minute("2026-06-01 00:00"))) == 16


class TestBusyTimes:
    def test_meetings_may_follow_each_other_without_a_gap(self) -> None:
        busy = (between("10:00", "11:00"),)
        assert seen(NINE_TO_FIVE, MONDAY, busy=busy)[:3] == ["09:00", "11:00", "12:00"]

    def test_one_shared_minute_is_too_many(self) -> None:
        assert seen(NINE_TO_FIVE, MONDAY, busy=(between("10:59", "11:01"),))[:2] == ["09:00", "12:00"]

    def test_the_buffer_before_keeps_clear_of_the_meeting_before(self) -> None:
        terms = replace(NINE_TO_FIVE, interval=15, buffer_before=30)
        assert seen(terms, MONDAY, busy=(between("09:00", "11:00"),))[0] == "11:30"

    def test_the_buffer_after_keeps_clear_of_the_meeting_after(self) -> None:
        terms = replace(NINE_TO_FIVE, interval=15, buffer_after=30)
        assert seen(terms, MONDAY, busy=(between("12:00", "17:00"),))[-1] == "10:30"

    def test_buffers_may_reach_outside_working_hours(self) -> None:
        terms = replace(NINE_TO_FIVE, buffer_before=120, buffer_after=120)
        assert seen(terms, MONDAY) == seen(NINE_TO_FIVE, MONDAY)

    def test_a_busy_time_outside_working_hours_still_meets_the_buffer(self) -> None:
        terms = replace(NINE_TO_FIVE, buffer_before=60)
        assert seen(terms, MONDAY, busy=(between("08:00", "08:30"),))[0] == "10:00"

    def test_busy_times_come_in_any_order_and_may_overlap(self) -> None:
        busy = (
            between("14:00", "15:00"),
            between("09:00", "10:30"),
            between("09:30", "10:00"),
            between("14:00", "16:00"),
        )
        assert seen(NINE_TO_FIVE, MONDAY, busy=busy) == ["11:00", "12:00", "13:00", "16:00"]

    def test_a_busy_time_of_no_length_takes_nothing(self) -> None:
        assert seen(NINE_TO_FIVE, MONDAY, busy=(between("10:30", "10:30"),)) == seen(NINE_TO_FIVE, MONDAY)

    def test_a_busy_time_that_ends_before_it_begins_is_an_error(self) -> None:
        with pytest.raises(ValueError, match="ends before it begins"):
            seen(NINE_TO_FIVE, MONDAY, busy=(between("11:00", "10:00"),))

    def test_a_booked_slot_is_gone_and_comes_back_when_freed(self) -> None:
        terms = replace(NINE_TO_FIVE, buffer_before=10, buffer_after=5)
        booked = (minute("2026-06-01 10:50"), minute("2026-06-01 12:05"))
        assert refusal(terms, "2026-06-01 11:00", busy=(booked,)) is Refusal.SLOT_TAKEN
        assert refusal(terms, "2026-06-01 11:00") is None


class TestNoticeAndHorizon:
    NOW = "2026-06-01 10:00"

    def test_this_very_minute_can_be_booked_without_notice(self) -> None:
        assert refusal(NINE_TO_FIVE, "2026-06-01 10:00", now=self.NOW) is None
        assert seen(NINE_TO_FIVE, MONDAY, now=minute(self.NOW))[0] == "10:00"

    def test_the_notice_counts_to_the_minute(self) -> None:
        terms = replace(NINE_TO_FIVE, minimum_notice=120)
        assert seen(terms, MONDAY, now=minute(self.NOW))[0] == "12:00"
        assert seen(terms, MONDAY, now=minute(self.NOW) + 1)[0] == "13:00"

    def test_the_horizon_counts_days_of_24_hours_from_now(self) -> None:
        terms = replace(NINE_TO_FIVE, horizon_days=2)
        assert seen(terms, date(2026, 6, 3), now=minute(self.NOW)) == ["09:00", "10:00"]

    def test_a_notice_longer_than_the_horizon_leaves_nothing(self) -> None:
        terms = replace(NINE_TO_FIVE, horizon_days=1, minimum_notice=1441)
        assert seen(terms, MONDAY, date(2026, 6, 5), now=minute(self.NOW)) == []


class TestWhyNot:
    TERMS = replace(NINE_TO_FIVE, minimum_notice=120, horizon_days=2)
    NOW = "2026-06-01 10:00"

    @pytest.mark.parametrize(
        ("start", "reason"),
        [
            ("2026-06-01 09:00", Refusal.IN_THE_PAST),
            ("1970-01-01 00:00", Refusal.IN_THE_PAST),
            ("2026-06-01 11:00", Refusal.TOO_SHORT_NOTICE),
            ("2026-06-03 11:00", Refusal.BEYOND_HORIZON),
            ("9999-12-31 23:59", Refusal.BEYOND_HORIZON),
            ("2026-06-02 08:00", Refusal.OUTSIDE_AVAILABILITY),
            ("2026-06-02 16:30", Refusal.OUTSIDE_AVAILABILITY),
            ("2026-06-02 17:00", Refusal.OUTSIDE_AVAILABILITY),
            ("2026-06-02 10:01", Refusal.OFF_GRID),
            ("2026-06-02 13:00", Refusal.SLOT_TAKEN),
            ("2026-06-02 14:00", None),
        ],
    )
    def test_a_refusal_says_why(self, start: str, reason: Refusal | None) -> None:
        busy = (between("13:30", "13:45", on=date(2026, 6, 2)),)
        assert refusal(self.TERMS, start, now=self.NOW, busy=busy) is reason

    def test_the_reason_that_helps_most_comes_first(self) -> None:
        everything = (minute("2026-05-01 00:00"), minute("2026-07-01 00:00"))
        starts = ["2026-06-01 03:33", "2026-06-01 10:01", "2026-06-09 03:33", "2026-06-02 03:33", "2026-06-02 13:13"]
        reasons = [refusal(self.TERMS, start, now=self.NOW, busy=(everything,)) for start in starts]
        assert reasons == [
            Refusal.IN_THE_PAST,
            Refusal.TOO_SHORT_NOTICE,
            Refusal.BEYOND_HORIZON,
            Refusal.OUTSIDE_AVAILABILITY,
            Refusal.OFF_GRID,
        ]


class TestOffset:
    def test_starts_begin_so_long_after_the_opening(self) -> None:
        terms = replace(NINE_TO_FIVE, interval=60, duration=30, offset=10)
        assert seen(terms, MONDAY)[:2] == ["09:10", "10:10"]
        assert refusal(terms, "2026-06-01 09:00") is Refusal.OFF_GRID
        assert seen(terms, MONDAY)[-1] == "16:10"

    def test_each_window_has_its_own(self) -> None:
        terms = replace(NINE_TO_FIVE, hours=daily((NINE, TWELVE), (13 * 60, 15 * 60)), offset=15)
        assert seen(terms, MONDAY) == ["09:15", "10:15", "13:15"]


class TestBuffersAmongOwn:
    TERMS = replace(NINE_TO_FIVE, duration=30, interval=30, buffer_before=30, buffer_after=30, buffers_among_own=True)

    def test_another_kind_of_meeting_may_come_right_before_and_after(self) -> None:
        assert seen(self.TERMS, MONDAY, busy=(between("10:00", "11:00"),))[:3] == ["09:00", "09:30", "11:00"]

    def test_one_of_the_same_kind_may_not(self) -> None:
        held = between("09:30", "11:00")  # from 10:00 to 10:30, with its own buffers
        assert seen(self.TERMS, MONDAY, own=(held,))[:2] == ["11:30", "12:00"]


class TestLimits:
    """The host is in New York; a meeting on Monday at 09:00 there, which is 13:00 in UTC."""

    TERMS = replace(NINE_TO_FIVE, zone=NEW_YORK, horizon_days=90)
    MEETING = between("13:00", "14:00")

    def limited(self, days: int = 40, **limits: int) -> set[str]:
        """The dates, as the host has them, that offer nothing."""
        terms = replace(self.TERMS, limits=Limits(**limits))
        dates = [date.fromordinal(MONDAY.toordinal() + number) for number in range(-10, days)]
        return {day.isoformat() for day in dates if not seen(terms, day, own=(self.MEETING,), now=LONG_BEFORE)}

    def test_a_full_day_offers_nothing_more_and_the_next_one_does(self) -> None:
        assert self.limited(per_day=1) == {"2026-06-01"}
        assert self.limited(per_day=2) == set()

    def test_a_week_goes_from_monday_to_sunday(self) -> None:
        assert self.limited(per_week=1) == {f"2026-06-0{number}" for number in range(1, 8)}

    def test_a_month_is_that_of_the_calendar(self) -> None:
        assert self.limited(per_month=1) == {f"2026-06-{number:02}" for number in range(1, 31)}

    def test_a_late_meeting_counts_on_the_hosts_date_and_not_on_that_of_utc(self) -> None:
        late = replace(self.TERMS, hours=daily((NINE, MIDNIGHT)), limits=Limits(per_day=1))
        on_sunday_evening = (between("03:00", "04:00"),)  # Monday in UTC, 23:00 on Sunday in New York
        assert seen(late, MONDAY, own=on_sunday_evening) != []
        assert seen(late, date(2026, 5, 31), own=on_sunday_evening) == []

    def test_what_is_taken_is_called_taken_and_the_rest_full(self) -> None:
        terms = replace(self.TERMS, limits=Limits(per_day=1))
        assert refusal(terms, "2026-06-01 13:00", own=(self.MEETING,)) is Refusal.SLOT_TAKEN
        assert refusal(terms, "2026-06-01 15:00", own=(self.MEETING,)) is Refusal.LIMIT_REACHED

    def test_a_meeting_of_another_kind_does_not_count(self) -> None:
        terms = replace(self.TERMS, limits=Limits(per_day=1))
        assert refusal(terms, "2026-06-01 15:00", busy=(self.MEETING,)) is None

    def test_a_seat_in_a_meeting_that_takes_place_anyway_is_no_further_meeting(self) -> None:
        terms = replace(self.TERMS, limits=Limits(per_day=1))
        start = self.MEETING[0]
        assert refusal(terms, "2026-06-01 13:00", own=(self.MEETING,), joinable=(start,)) is None
        assert refusal(terms, "2026-06-01 15:00", own=(self.MEETING,), joinable=(start,)) is Refusal.LIMIT_REACHED


class TestSeveralHosts:
    def test_a_meeting_begins_when_all_are_there(self) -> None:
        early, late = NINE_TO_FIVE, replace(NINE_TO_FIVE, hours=daily((9 * 60 + 15, TWELVE)))
        diaries = [early.diary(), late.diary((between("10:00", "10:15"),))]
        starts = offered(early.rules, diaries, now=LONG_BEFORE, first=MONDAY, last=MONDAY, zone=UTC)
        assert [on_the_clock(start, UTC).strftime("%H:%M") for start in starts] == ["10:15"]

    def test_hosts_who_are_never_there_together_offer_nothing(self) -> None:
        diaries = [NINE_TO_FIVE.diary(), replace(NINE_TO_FIVE, zone=ZoneInfo("Pacific/Auckland")).diary()]
        last = date(2026, 6, 20)
        assert offered(NINE_TO_FIVE.rules, diaries, now=LONG_BEFORE, first=MONDAY, last=last, zone=UTC) == []

    def test_a_day_that_is_full_for_one_of_them_is_full(self) -> None:
        terms = replace(NINE_TO_FIVE, limits=Limits(per_day=1))
        diaries = [terms.diary(), terms.diary(own=(between("09:00", "10:00"),))]
        assert check(terms.rules, diaries, now=LONG_BEFORE, start=minute("2026-06-01 12:00")) is Refusal.LIMIT_REACHED
