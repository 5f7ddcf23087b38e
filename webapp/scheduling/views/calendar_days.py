"""Where meetings stand in a calendar: pure functions from bookings and a zone to days, hours and lanes.

Days that are shown side by side share one axis of wall-clock minutes. Where the clocks go back in one of them, the
axis has the minutes that come twice a second time, and the other days a gap there; where they go forward, that day has
a gap. So ten o'clock is at the same height on every day, and a meeting is as long as it lasts.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from webapp.scheduling.models import Booking

DAY = 1440
_MINUTE = timedelta(minutes=1)
# Hours that are shown whether or not there is a meeting in them.
_USUAL = (8 * 60, 18 * 60)
# What is shorter is drawn as long as this, or nobody could read or press it.
LEAST_MINUTES = 30
MOST_LANES = 6


class Stretch(NamedTuple):
    """Minutes of the axis."""

    start: int
    length: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One meeting as a calendar shows it, with everybody's booking in it."""

    starts_at: datetime
    ends_at: datetime
    bookings: list[Booking]

    @property
    def first(self) -> Booking:
        """The booking that speaks for the meeting."""
        return self.bookings[0]


@dataclass(kw_only=True, slots=True)
class Placed:
    """An entry on one day: where on the axis, and in which of how many lanes beside each other."""

    entry: Entry
    place: Stretch
    goes_on: bool
    lane: int = 0
    lanes: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class CalendarDay:
    """A day of a zone; `gaps` are stretches of the axis that it does not have, and `more` entries are not among its."""

    date: date
    entries: list[Placed]
    gaps: list[Stretch] = field(default_factory=list)
    now: int | None = None
    more: int = 0


class HourMark(NamedTuple):
    """A line of the axis; `minute` is what the clock shows there, `again` when it shows it for the second time."""

    at: int
    minute: int
    again: bool


class Change(NamedTuple):
    """The clocks of a day jump from one wall-clock minute to another."""

    day: date
    before: int
    after: int


class Axis:
    """Wall-clock minutes of the days shown together, those that come twice twice."""

    def __init__(self, days: Iterable[date], zone: ZoneInfo) -> None:
        self.zone = zone
        self.change = next(filter(None, (_change(day, zone) for day in days)), None)
        self.repeated = max(0, self.change.before - self.change.after) if self.change else 0
        self.length = DAY + self.repeated

    def position(self, moment: datetime) -> int:
        """Return where an instant stands on the axis of its own day."""
        local = moment.astimezone(self.zone)
        wall = local.hour * 60 + local.minute
        if self.change and self.repeated and (wall >= self.change.before or local.fold):
            return wall + self.repeated
        return wall

    def marks(self) -> list[HourMark]:
        """Return the full hours, in order."""
        if not self.change or not self.repeated:
            return [HourMark(minute, minute, False) for minute in range(0, DAY, 60)]
        first = [HourMark(minute, minute, False) for minute in range(0, self.change.before, 60)]
        start = -(-self.change.after // 60) * 60
        second = (HourMark(at + self.repeated, at, at < self.change.before) for at in range(start, DAY, 60))
        return [*first, *second]

    def gaps(self, day: date) -> list[Stretch]:
        """Return what of the axis a day does not have."""
        change = self.change
        if change is None:
            return []
        if self.repeated:
            return [] if day == change.day else [Stretch(change.before, self.repeated)]
        return [Stretch(change.before, change.after - change.before)] if day == change.day else []


def entries_of(bookings: Sequence[Booking]) -> list[Entry]:
    """Return the meetings of bookings, those of one group as one entry."""
    by_meeting: dict[object, list[Booking]] = {}
    for booking in bookings:
        by_meeting.setdefault(booking.meeting_id, []).append(booking)
    return [
        Entry(starts_at=together[0].starts_at, ends_at=together[0].ends_at, bookings=together)
        for together in by_meeting.values()
    ]


def lay_out(
    entries: Sequence[Entry], days: Sequence[date], axis: Axis, *, now: datetime, totals: Sequence[int] = ()
) -> list[CalendarDay]:
    """Return the days with their entries in place; each has as many as `totals` say, whether or not they are here."""
    return [_day(entries, day, axis, now, total) for day, total in zip(days, totals or [0] * len(days), strict=True)]


def hours_shown(days: Sequence[CalendarDay], axis: Axis, *, whole_day: bool) -> tuple[int, int]:
    """Return the first and last minute of the axis to draw, in full hours: the usual ones, every entry's, now's."""
    if whole_day:
        return 0, axis.length
    usual = [minute + (axis.repeated if axis.change and minute >= axis.change.before else 0) for minute in _USUAL]
    places = [placed.place for day in days for placed in day.entries]
    places += [Stretch(day.now, 1) for day in days if day.now is not None]
    first = min([usual[0], *(place.start for place in places)]) // 60 * 60
    last = max([usual[1], *(place.start + place.length for place in places)])
    return first, min(-(-last // 60) * 60, axis.length)


def bounds(first: date, last: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return when the first day begins and when the last one is over, in UTC."""
    return midnight(first, zone), midnight(last + timedelta(days=1), zone)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return when a day begins in a zone, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _day(entries: Sequence[Entry], day: date, axis: Axis, now: datetime, total: int) -> CalendarDay:
    begins, ends = bounds(day, day, axis.zone)
    placed = [
        Placed(
            entry=entry,
            place=place_between(entry.starts_at, entry.ends_at, (begins, ends), axis),
            goes_on=entry.starts_at < begins,
        )
        for entry in entries
        if entry.starts_at < ends and entry.ends_at > begins
    ]
    _into_lanes(placed)
    return CalendarDay(
        date=day,
        entries=placed,
        gaps=axis.gaps(day),
        now=axis.position(now) if begins <= now < ends else None,
        more=max(0, total - len(placed)),
    )


def place_between(starts_at: datetime, ends_at: datetime, day: tuple[datetime, datetime], axis: Axis) -> Stretch:
    """Return where on the axis of a day, from its beginning to its end, the time between two instants stands."""
    begins, ends = day
    start = axis.position(starts_at) if starts_at >= begins else 0
    end = axis.position(ends_at - _MINUTE) + 1 if ends_at <= ends else axis.length
    return Stretch(start, max(end - start, 1))


def _into_lanes(placed: list[Placed]) -> None:
    """Give entries that overlap lanes beside each other; every cluster has as many as it needs, up to a limit."""
    cluster: list[Placed] = []
    busy_until = 0
    for one in sorted(placed, key=lambda each: (each.place.start, -each.place.length)):
        if one.place.start >= busy_until:
            _share_lanes(cluster)
            cluster = []
        cluster.append(one)
        busy_until = max(busy_until, _drawn_end(one))
    _share_lanes(cluster)


def _share_lanes(cluster: list[Placed]) -> None:
    ends: list[int] = []
    for one in cluster:
        free = next((lane for lane, end in enumerate(ends) if end <= one.place.start), None)
        if free is None and len(ends) < MOST_LANES:
            ends.append(0)
            free = len(ends) - 1
        one.lane = ends.index(min(ends)) if free is None else free
        ends[one.lane] = _drawn_end(one)
    for one in cluster:
        one.lanes = len(ends)


def _drawn_end(one: Placed) -> int:
    return one.place.start + max(one.place.length, LEAST_MINUTES)


def _change(day: date, zone: ZoneInfo) -> Change | None:
    """Return how the clocks of a zone change on a day, if they do."""
    begins, ends = bounds(day, day, zone)
    minutes = (ends - begins) // _MINUTE
    if minutes == DAY:
        return None
    before = (begins - _MINUTE).astimezone(zone).utcoffset()  # at midnight itself they may have changed already
    changed = bisect_left(
        range(minutes), True, key=lambda minute: (begins + minute * _MINUTE).astimezone(zone).utcoffset() != before
    )
    return Change(day, changed, changed + DAY - minutes)


def offsets_differ(begins: datetime, ends: datetime, zone: ZoneInfo) -> bool:
    """True when the clocks change between two instants."""
    one, other = (moment.astimezone(zone).utcoffset() for moment in (begins, ends - _MINUTE))
    return one != other


def in_weeks(days: Sequence[CalendarDay]) -> list[Sequence[CalendarDay]]:
    """Return days, which begin with a week, by the week."""
    edges = [*range(0, len(days), 7), len(days)]
    return [days[one:other] for one, other in pairwise(edges)]
