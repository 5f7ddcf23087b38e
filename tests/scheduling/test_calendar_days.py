"""Where meetings stand in the calendar, on the days of the clock changes above all."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.scheduling.models import Booking
from webapp.scheduling.views.calendar_days import (
    Axis,
    CalendarDay,
    Entry,
    HourMark,
    Stretch,
    bounds,
    entries_of,
    hours_shown,
    lay_out,
)

BERLIN = ZoneInfo("Europe/Berlin")
SPRING, AUTUMN, PLAIN = date(2026, 3, 29), date(2026, 10, 25), date(2026, 11, 25)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def entry(start: datetime, minutes: int = 60) -> Entry:
    return Entry(starts_at=start, ends_at=start + timedelta(minutes=minutes), bookings=[])


def shown(day: date, *entries: Entry, zone: ZoneInfo = BERLIN) -> CalendarDay:
    return lay_out(entries, [day], Axis([day], zone), now=LONG_AGO)[0]


def places(day: CalendarDay) -> list[tuple[int, int]]:
    return [(placed.place[0], placed.place[1]) for placed in day.entries]


def test_a_meeting_stands_at_its_time_and_is_as_long_as_it_lasts() -> None:
    assert places(shown(PLAIN, entry(datetime(2026, 11, 25, 9, 15, tzinfo=UTC), 45))) == [(10 * 60 + 15, 45)]


def test_where_the_clocks_go_back_the_hour_is_there_twice() -> None:
    axis = Axis([AUTUMN], BERLIN)
    assert axis.length == 25 * 60
    marks = axis.marks()
    assert marks[2:5] == [HourMark(120, 120, False), HourMark(180, 120, True), HourMark(240, 180, False)]
    assert len(marks) == 25
    first, second, noon = (datetime(2026, 10, 25, hour, tzinfo=UTC) for hour in (0, 1, 11))
    assert places(shown(AUTUMN, entry(first), entry(second), entry(noon))) == [(120, 60), (180, 60), (780, 60)]


def test_a_meeting_through_the_change_is_as_long_as_it_lasts() -> None:
    assert places(shown(AUTUMN, entry(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), 60))) == [(150, 60)]


def test_where_the_clocks_go_forward_there_is_a_gap() -> None:
    day = shown(
        SPRING, entry(datetime(2026, 3, 29, 0, 30, tzinfo=UTC), 30), entry(datetime(2026, 3, 29, 1, tzinfo=UTC))
    )
    assert day.gaps == [Stretch(120, 60)]
    assert places(day) == [(90, 30), (180, 60)]


def test_ten_is_at_the_same_height_on_every_day_of_the_week() -> None:
    week = [AUTUMN - timedelta(days=6 - number) for number in range(7)]
    axis = Axis(week, BERLIN)
    tens = [entry(datetime.combine(day, datetime.min.time(), BERLIN) + timedelta(hours=10), 30) for day in week]
    days = lay_out(tens, week, axis, now=LONG_AGO)
    assert {place for day in days for place in places(day)} == {(11 * 60, 30)}
    assert [day.gaps for day in days] == [[Stretch(180, 60)]] * 6 + [[]]
    assert hours_shown(days, axis, whole_day=False) == (9 * 60, 19 * 60)


@pytest.mark.parametrize(
    ("zone", "day", "gaps"),
    [
        ("Africa/Cairo", date(2026, 4, 24), [Stretch(0, 60)]),  # midnight itself is skipped
        ("Australia/Lord_Howe", date(2026, 10, 4), [Stretch(120, 30)]),  # by half an hour
        ("Pacific/Apia", date(2011, 12, 30), [Stretch(0, 1440)]),  # a day that never was
    ],
)
def test_other_places_have_other_changes(zone: str, day: date, gaps: list[Stretch]) -> None:
    assert shown(day, zone=ZoneInfo(zone)).gaps == gaps


def test_a_meeting_past_midnight_is_on_both_days() -> None:
    late = entry(datetime(2026, 11, 25, 22, 30, tzinfo=UTC), 60)
    days = lay_out([late], [PLAIN, PLAIN + timedelta(days=1)], Axis([PLAIN], BERLIN), now=LONG_AGO)
    assert [places(day) for day in days] == [[(1410, 30)], [(0, 30)]]
    assert [placed.goes_on for day in days for placed in day.entries] == [False, True]


def test_a_meeting_until_midnight_is_not_on_the_next_day() -> None:
    late = entry(datetime(2026, 11, 25, 22, tzinfo=UTC), 60)
    days = lay_out([late], [PLAIN, PLAIN + timedelta(days=1)], Axis([PLAIN], BERLIN), now=LONG_AGO)
    assert [places(day) for day in days] == [[(1380, 60)], []]


def test_meetings_at_the_same_time_stand_beside_each_other() -> None:
    nine = datetime(2026, 11, 25, 8, tzinfo=UTC)
    after = nine + timedelta(hours=2)
    day = shown(PLAIN, entry(nine), entry(nine + timedelta(minutes=30)), entry(nine + timedelta(hours=1)), entry(after))
    assert [(placed.lane, placed.lanes) for placed in day.entries] == [(0, 2), (1, 2), (0, 2), (0, 1)]


def test_now_is_on_its_day_only_and_always_in_sight() -> None:
    now = datetime(2026, 11, 25, 20, 57, tzinfo=UTC)
    axis = Axis([PLAIN], BERLIN)
    days = lay_out([], [PLAIN, PLAIN + timedelta(days=1)], axis, now=now)
    assert [day.now for day in days] == [21 * 60 + 57, None]
    assert hours_shown(days, axis, whole_day=False) == (8 * 60, 22 * 60)


def test_the_guests_of_a_group_share_an_entry() -> None:
    together, alone = uuid4(), uuid4()
    times = {"starts_at": LONG_AGO, "ends_at": LONG_AGO + timedelta(hours=1)}
    booked = [Booking(meeting_id=meeting, **times) for meeting in (together, alone, together)]
    assert [len(one.bookings) for one in entries_of(booked)] == [2, 1]


@given(
    st.sampled_from(["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Africa/Cairo", "America/Asuncion"]),
    st.dates(date(1999, 1, 1), date(2035, 1, 1)),
    st.integers(0, 25 * 60),
)
def test_on_every_day_later_is_lower_and_within_the_axis(zone: str, day: date, minute: int) -> None:
    place = ZoneInfo(zone)
    axis = Axis([day], place)
    begins, ends = bounds(day, day, place)
    moment = begins + timedelta(minutes=minute)
    if moment + timedelta(minutes=1) < ends:
        here, later = axis.position(moment), axis.position(moment + timedelta(minutes=1))
        assert 0 <= here < later < axis.length
        assert not any(gap.start <= here < gap.start + gap.length for gap in axis.gaps(day))
