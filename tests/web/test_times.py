"""Dates, times and zones in words."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from webapp.web import times

BERLIN, NEW_YORK, KOLKATA = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York"), ZoneInfo("Asia/Kolkata")
START, END = datetime(2026, 11, 24, 13, 30, tzinfo=UTC), datetime(2026, 11, 24, 14, 15, tzinfo=UTC)


@pytest.fixture
def reader(app: Flask, request: pytest.FixtureRequest) -> object:
    """A request of somebody whose browser asks for this language."""
    with app.test_request_context(headers={"Accept-Language": request.param}):
        yield


@pytest.mark.parametrize(
    ("reader", "time", "day"),
    [
        ("en-US,en;q=0.9", "2:30\N{NO-BREAK SPACE}PM", "Tuesday, November 24, 2026"),
        ("en-GB", "14:30", "Tuesday, 24 November 2026"),
        ("en", "2:30\N{NO-BREAK SPACE}PM", "Tuesday, November 24, 2026"),
        ("de-DE,de;q=0.9,en;q=0.8", "14:30", "Dienstag, 24. November 2026"),
        ("fr-FR,fr;q=0.9,en-US;q=0.8", "14:30", "Tuesday, 24 November 2026"),
        ("fr-FR,de;q=0.8", "14:30", "Dienstag, 24. November 2026"),
        ("ko-KR", "2:30\N{NO-BREAK SPACE}pm", "Tuesday, 24 November 2026"),
        ("", "2:30\N{NO-BREAK SPACE}PM", "Tuesday, November 24, 2026"),
        ("*", "2:30\N{NO-BREAK SPACE}PM", "Tuesday, November 24, 2026"),
        ("xx-nonsense-\N{PILE OF POO}", "2:30\N{NO-BREAK SPACE}PM", "Tuesday, November 24, 2026"),
    ],
    indirect=["reader"],
)
@pytest.mark.usefixtures("reader")
def test_times_and_dates_follow_the_readers_habits(time: str, day: str) -> None:
    assert times.clock_time(START, BERLIN) == time
    assert times.day_text(START, BERLIN) == day


@pytest.mark.parametrize("reader", ["en-GB"], indirect=True)
@pytest.mark.usefixtures("reader")
def test_shorter_dates_for_smaller_places() -> None:
    assert times.day_text(date(2026, 11, 1), None, "month") == "November 2026"
    assert times.day_text(START, BERLIN, "short") == "24 Nov"
    assert times.day_text(START, BERLIN, "short_weekday") == "Tue 24 Nov"
    assert times.day_text(START, BERLIN, "medium") == "24 Nov 2026"


@pytest.mark.parametrize("reader", ["en-GB"], indirect=True)
@pytest.mark.usefixtures("reader")
def test_a_range_names_its_last_day_when_it_is_another_one() -> None:
    assert times.time_range(START, END, BERLIN) == "14:30 – 15:15"  # noqa: RUF001  # a dash
    late = datetime(2026, 11, 24, 22, 30, tzinfo=UTC)
    assert times.time_range(late, late.replace(hour=23, minute=30), BERLIN) == "23:30 – 00:30 (25 Nov 2026)"  # noqa: RUF001  # a dash


@pytest.mark.parametrize(
    ("reader", "end"), [("en-GB", "24:00"), ("en-US", "12:00\N{NO-BREAK SPACE}AM")], indirect=["reader"]
)
@pytest.mark.usefixtures("reader")
def test_the_end_of_the_day_has_a_name(end: str) -> None:
    assert times.minute_time(1440) == end


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        (BERLIN, "Europe/Berlin (UTC+01:00)"),
        (NEW_YORK, "America/New York (UTC\N{MINUS SIGN}05:00)"),
        (KOLKATA, "Asia/Kolkata (UTC+05:30)"),
        ("UTC", "UTC"),
    ],
)
def test_a_zone_is_named_with_its_offset_at_that_time(zone: ZoneInfo | str, text: str) -> None:
    assert times.zone_text(zone, START) == text


def test_the_offset_follows_the_change_of_the_clocks() -> None:
    assert times.offset_text(BERLIN, datetime(2026, 7, 1, tzinfo=UTC)) == "UTC+02:00"
    assert times.offset_text(BERLIN, datetime(2026, 12, 1, tzinfo=UTC)) == "UTC+01:00"


def test_a_zone_that_is_none_is_an_error() -> None:
    with pytest.raises(ValueError, match="not a time zone"):
        times.zone_text("Mars/Olympus")


def test_the_picker_offers_each_place_once_and_the_chosen_zone_in_its_own_spelling() -> None:
    names = [name for _region, zones in times.zone_choices("Asia/Calcutta") for name, _label in zones]
    assert len(names) == len(set(names))
    assert {"Asia/Calcutta", "Asia/Kolkata", "Europe/Kyiv", "America/New_York", "UTC"} <= set(names)
    assert "Europe/Kiev" not in names
    assert "US/Eastern" not in names


@pytest.mark.parametrize(("minutes", "text"), [(15, "15 min"), (60, "1 h"), (90, "1 h 30 min"), (1440, "24 h")])
def test_lengths_are_short(app: Flask, minutes: int, text: str) -> None:
    assert times.duration_text(minutes) == text


def test_lengths_to_choose_from_grow_though_the_usual_one_is_another(app: Flask) -> None:
    with app.test_request_context(headers={"Accept-Language": "en-GB"}):
        assert times.durations_text([60, 30, 120]) == "30 min, 1 h or 2 h"
