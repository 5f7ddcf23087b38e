"""What the slot engine is given, and what it answers when it refuses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from zoneinfo import ZoneInfo

from webapp.scheduling.slots.local_time import DAY
from webapp.scheduling.slots.spans import Span


class Refusal(StrEnum):
    """Why a start cannot be booked; the first that applies, in this order."""

    IN_THE_PAST = "in_the_past"
    TOO_SHORT_NOTICE = "too_short_notice"
    BEYOND_HORIZON = "beyond_horizon"
    OUTSIDE_AVAILABILITY = "outside_availability"
    OFF_GRID = "off_grid"
    SLOT_TAKEN = "slot_taken"


@dataclass(frozen=True, slots=True)
class Hours:
    """Working time on a weekday (Monday = 0), from `start` to `end` in minutes of the wall clock, 24:00 being 1440.

    Raises ValueError naming the field that makes no sense.
    """

    weekday: int
    start: int
    end: int

    def __post_init__(self) -> None:
        _require_between("weekday", self.weekday, 0, 6)
        _require_ranges("start and end", [(self.start, self.end)])


@dataclass(frozen=True, slots=True)
class Override:
    """What holds on one local date in place of the weekly hours; no `ranges` at all close the day.

    Ranges are minutes of the wall clock, as in `Hours`, in any order. Raises ValueError when one makes no sense.
    """

    day: date
    ranges: tuple[Span, ...]

    def __post_init__(self) -> None:
        _require_ranges("ranges", self.ranges)


@dataclass(frozen=True, slots=True)
class Rules:
    """When a host can be booked for one kind of meeting. Hours and overrides are wall-clock time in `zone`.

    `duration`, `interval` (from one start to the next), the buffers and `minimum_notice` are minutes, and
    `horizon_days` are days of 24 hours from now. Raises ValueError naming the field that makes no sense.
    """

    zone: ZoneInfo
    hours: tuple[Hours, ...]
    overrides: tuple[Override, ...]
    duration: int
    interval: int
    buffer_before: int
    buffer_after: int
    minimum_notice: int
    horizon_days: int

    def __post_init__(self) -> None:
        _require_between("duration", self.duration, 1, DAY)
        _require_between("interval", self.interval, 1, DAY)
        _require_between("buffer_before", self.buffer_before, 0, DAY)
        _require_between("buffer_after", self.buffer_after, 0, DAY)
        _require_between("minimum_notice", self.minimum_notice, 0, 3660 * DAY)
        _require_between("horizon_days", self.horizon_days, 1, 3660)
        if len({override.day for override in self.overrides}) < len(self.overrides):
            raise ValueError("overrides holds a date twice; put all ranges of a date into one Override")


def _require_between(field: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise ValueError(f"{field} is {value}; it must be between {least} and {most}")


def _require_ranges(field: str, ranges: Iterable[Span]) -> None:
    for start, end in ranges:
        if not 0 <= start < end <= DAY:
            raise ValueError(f"{field} are {start} and {end}; a range begins before it ends, between 0 and {DAY}")
