"""Open times as they are written out: by the clocks of every zone, and in the words of the API's description."""

from __future__ import annotations

import json
from datetime import date
from zoneinfo import ZoneInfo, available_timezones

import pytest
from pydantic import TypeAdapter

from webapp.scheduling.chunks import OpenTime
from webapp.scheduling.local_text import LocalText
from webapp.scheduling.minutes import DAY, local_moment, midnight_of, moment_of
from webapp.scheduling.schemas.slots import SlotOut, write_slots

FIRST, LAST = midnight_of(date(2026, 1, 1)), midnight_of(date(2028, 1, 1))
# Changes by an hour, by half an hour, at midnight, across a day's end, around Ramadan; and one that never does.
ZONES = (
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Pacific/Apia",
    "Africa/Casablanca",
    "Asia/Kolkata",
)


def test_it_is_what_the_clocks_of_every_zone_show() -> None:
    for name in sorted(available_timezones()):
        zone = ZoneInfo(name)
        write = LocalText(zone).write
        wrong = [
            minute
            for minute in range(FIRST, LAST, 3 * DAY + 7 * 61)
            if write(minute) != local_moment(minute, zone).isoformat().encode()
        ]
        assert wrong == [], name


@pytest.mark.parametrize("name", ZONES)
def test_it_is_what_they_show_around_each_change(name: str) -> None:
    zone = ZoneInfo(name)
    write = LocalText(zone).write
    offsets = {day: local_moment(day, zone).utcoffset() for day in range(FIRST, LAST, DAY)}
    changed = [day for day in offsets if day - DAY in offsets and offsets[day] != offsets[day - DAY]]
    assert changed or name in {"Pacific/Apia", "Asia/Kolkata"}
    for day in changed or [FIRST]:
        for minute in range(day - 2 * DAY, day + DAY, 5):
            assert write(minute) == local_moment(minute, zone).isoformat().encode()


def test_open_times_are_written_as_the_api_describes_them() -> None:
    zone = ZoneInfo("Asia/Kathmandu")
    times = [OpenTime(FIRST + 15 * number, FIRST + 15 * number + 45, number) for number in range(1, 4)]
    written = json.loads(b"[%b]" % b",".join(write_slots(times, zone)))
    slots = [
        SlotOut(moment_of(start).astimezone(zone), moment_of(end).astimezone(zone), seats_left)
        for start, end, seats_left in times
    ]
    assert written == TypeAdapter(list[SlotOut]).dump_python(slots, mode="json")
    assert written[0]["start"] == "2026-01-01T06:00:00+05:45"
    assert write_slots([], zone) == []
