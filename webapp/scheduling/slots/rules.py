"""What the slot engine is given, and what it answers when it refuses."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
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
    BLOCKED = "blocked"
    LIMIT_REACHED = "limit_reached"


# What hosts may pass over when they book or move a meeting themselves. Nobody begins one in the past, nor where another
# one takes place or has its buffers: those are part of the time that the database gives to no other meeting.
OVERRIDABLE = frozenset(
    {
        Refusal.TOO_SHORT_NOTICE,
        Refusal.BEYOND_HORIZON,
        Refusal.OUTSIDE_AVAILABILITY,
        Refusal.OFF_GRID,
        Refusal.BLOCKED,
        Refusal.LIMIT_REACHED,
    }
)


@dataclass(frozen=True, slots=True)
class Hours:
    """Working time on a weekday (Monday = 0), from `start` to `end` in minutes of the wall clock, 24:00 being 1440.

    An `end` past that is on the next date's wall clock, 02:00 being 1560. Raises ValueError naming the field that
    makes no sense.
    """

    weekday: int
    start: int
    end: int

    def __post_init__(self) -> None:
        _require_between("weekday", self.weekday, 0, 6)
        _require_ranges("start and end", [(self.start, self.end)])


@dataclass(frozen=True, slots=True)
class Override:
    """What holds on one local date in place of the weekly hours that begin on it; no `ranges` at all close the day.

    Ranges are minutes of the wall clock, as in `Hours`, in any order. Raises ValueError when one makes no sense.
    """

    day: date
    ranges: tuple[Span, ...]

    def __post_init__(self) -> None:
        _require_ranges("ranges", self.ranges)


# How many days away a meeting can be that still counts, whatever the limits are: those of a month.
LONGEST_REACH = 31


@dataclass(frozen=True, slots=True)
class Limits:
    """How many meetings may begin on one date, in one week (from Monday) and in one month; None is any number.

    Raises ValueError naming the field that makes no sense.
    """

    per_day: int | None = None
    per_week: int | None = None
    per_month: int | None = None

    def __post_init__(self) -> None:
        for field in ("per_day", "per_week", "per_month"):
            if (most := getattr(self, field)) is not None:
                _require_between(field, most, 1, 10_000)

    @property
    def reach(self) -> int:
        """How many days away a meeting can be that still counts."""
        periods = ((self.per_month, LONGEST_REACH), (self.per_week, 7), (self.per_day, 1))
        return next((days for most, days in periods if most is not None), 0)


@dataclass(frozen=True, slots=True)
class Rules:
    """On which terms one kind of meeting can be booked.

    `duration`, `interval` (from one start to the next), `offset` (of the first start from the opening), the buffers
    and `minimum_notice` are minutes, and `horizon_days` are days of 24 hours from now. With `buffers_among_own` the
    buffers are kept free of meetings of the same kind only. Raises ValueError naming the field that makes no sense.
    """

    duration: int
    interval: int
    buffer_before: int
    buffer_after: int
    minimum_notice: int
    horizon_days: int
    offset: int = 0
    buffers_among_own: bool = False
    limits: Limits = Limits()

    def __post_init__(self) -> None:
        _require_between("duration", self.duration, 1, DAY)
        _require_between("interval", self.interval, 1, DAY)
        _require_between("offset", self.offset, 0, DAY - 1)
        _require_between("buffer_before", self.buffer_before, 0, DAY)
        _require_between("buffer_after", self.buffer_after, 0, DAY)
        _require_between("minimum_notice", self.minimum_notice, 0, 3660 * DAY)
        _require_between("horizon_days", self.horizon_days, 1, 3660)


@dataclass(frozen=True, slots=True)
class Diary:
    """One host's: when they work, in wall-clock time of `zone`, and what of that is gone, in UTC minutes.

    `busy` is taken by whatever else the host does, `own` by meetings of the kind that is to be booked, each with the
    buffers that concern such a meeting, and `blocked` by the host's own wish; `starts` are when the own ones begin, for
    the limits, and `joinable` are the starts among them at which a seat is left. All in any order. Raises ValueError
    naming the field that makes no sense.
    """

    zone: ZoneInfo
    hours: tuple[Hours, ...]
    overrides: tuple[Override, ...] = ()
    busy: Sequence[Span] = ()
    own: Sequence[Span] = ()
    starts: Sequence[int] = ()
    joinable: Collection[int] = ()
    blocked: Sequence[Span] = ()

    def __post_init__(self) -> None:
        if len({override.day for override in self.overrides}) < len(self.overrides):
            raise ValueError("overrides holds a date twice; put all ranges of a date into one Override")
        for field in ("busy", "own", "blocked"):
            if any(begin > end for begin, end in getattr(self, field)):
                raise ValueError(f"{field} holds a time that ends before it begins; give its beginning first")


def _require_between(field: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise ValueError(f"{field} is {value}; it must be between {least} and {most}")


def _require_ranges(field: str, ranges: Iterable[Span]) -> None:
    for start, end in ranges:
        if not (0 <= start < DAY and start < end <= 2 * DAY):
            raise ValueError(
                f"{field} are {start} and {end}; a range begins on its day, and ends after that by {2 * DAY}"
            )
