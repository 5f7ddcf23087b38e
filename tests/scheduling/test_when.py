"""A meeting's time in words."""
# ruff: noqa: RUF001  # ranges of time take an en dash

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from webapp.scheduling.when import When, describe


def say(start: datetime, *, minutes: int = 30, zone: str) -> When:
    return describe(start, start + timedelta(minutes=minutes), zone=zone)


NOON = datetime(2026, 11, 24, 13, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        ("Europe/Berlin", "Tuesday, 24 November 2026, 14:30–15:00 (Europe/Berlin, UTC+01:00)"),
        ("America/New_York", "Tuesday, 24 November 2026, 08:30–09:00 (America/New York, UTC-05:00)"),
        ("Asia/Kathmandu", "Tuesday, 24 November 2026, 19:15–19:45 (Asia/Kathmandu, UTC+05:45)"),
        ("Pacific/Kiritimati", "Wednesday, 25 November 2026, 03:30–04:00 (Pacific/Kiritimati, UTC+14:00)"),
        ("Europe/London", "Tuesday, 24 November 2026, 13:30–14:00 (Europe/London, UTC+00:00)"),
        ("UTC", "Tuesday, 24 November 2026, 13:30–14:00 (UTC)"),
    ],
)  # fmt: skip
def test_the_time_is_the_readers_and_the_zone_is_named(zone: str, words: str) -> None:
    assert str(say(NOON, zone=zone)) == words


def test_summer_and_winter_have_their_own_offset() -> None:
    assert say(datetime(2026, 7, 1, 8, 0, tzinfo=UTC), zone="Europe/Berlin").zone == "Europe/Berlin, UTC+02:00"
    assert say(datetime(2026, 12, 1, 8, 0, tzinfo=UTC), zone="Europe/Berlin").zone == "Europe/Berlin, UTC+01:00"


def test_the_hour_that_comes_twice_is_told_apart() -> None:
    first = say(datetime(2026, 10, 25, 0, 0, tzinfo=UTC), zone="Europe/Berlin")
    second = say(datetime(2026, 10, 25, 1, 0, tzinfo=UTC), zone="Europe/Berlin")
    assert str(first) == "Sunday, 25 October 2026, 02:00–02:30 (Europe/Berlin, UTC+02:00)"
    assert str(second) == "Sunday, 25 October 2026, 02:00–02:30 (Europe/Berlin, UTC+01:00)"


def test_a_meeting_across_the_clock_change_names_both_offsets() -> None:
    back = say(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), minutes=60, zone="Europe/Berlin")
    forward = say(datetime(2026, 3, 29, 0, 30, tzinfo=UTC), minutes=60, zone="Europe/Berlin")
    assert str(back) == "Sunday, 25 October 2026, 02:30 UTC+02:00 – 02:30 UTC+01:00 (Europe/Berlin)"
    assert str(forward) == "Sunday, 29 March 2026, 01:30 UTC+01:00 – 03:30 UTC+02:00 (Europe/Berlin)"


def test_a_meeting_past_midnight_names_both_days() -> None:
    words = str(say(datetime(2026, 11, 24, 22, 45, tzinfo=UTC), zone="Europe/Berlin"))
    assert words == "Tuesday, 24 November 2026, 23:45 – Wednesday, 25 November 2026, 00:15 (Europe/Berlin, UTC+01:00)"


def test_subjects_get_a_brief_form() -> None:
    assert say(NOON, zone="Europe/Berlin").brief == "Tue 24 Nov 2026, 14:30"


def test_a_zone_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(ValueError, match="Europe/Atlantis"):
        say(NOON, zone="Europe/Atlantis")
