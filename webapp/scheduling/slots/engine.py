"""Decides which starts may be booked. Minutes are whole UTC minutes since the epoch throughout.

A start is bookable when

* **bounds**: it is not before now plus the minimum notice, nor after now plus the horizon;
* **room**: the whole meeting lies in open time. A minute is open when the clock on the host's wall shows a time inside
  the hours of that date, so working hours keep their meaning across every change of the clocks. Open time goes on
  across midnight when both sides are open;
* **grid**: it is a whole number of intervals after the beginning of its window. A window is open time without a break
  on one date; ranges that touch or overlap form one, and at midnight the grid starts anew, so the grid of a date
  depends on nothing but that date. Intervals are elapsed time: in a window across a change of the clocks the starts
  stay `interval` minutes apart (on Lord Howe Island, where clocks change by half an hour, a window open through the
  change offers :30 after it where it offered :00 before it; the next window is as usual);
* **free**: the meeting with its buffers overlaps no busy time. Buffers may reach outside the open time.

`offered` and `check` both ask `_bounds`, `_rooms`, `_grid` and `_free`: what is offered is what is accepted.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from datetime import date
from zoneinfo import ZoneInfo

from webapp.scheduling.slots.local_time import DAY, days_around, local_spans
from webapp.scheduling.slots.rules import Refusal, Rules
from webapp.scheduling.slots.spans import Span, gaps, merge, within


def offered(rules: Rules, *, now: int, busy: Iterable[Span], first: date, last: date, zone: ZoneInfo) -> list[int]:
    """Return, in order, every bookable start on the dates `first`..`last` of the guest's `zone`, both included.

    `now` is rounded up to a minute; `busy` are the times that existing bookings occupy, with their own buffers, in any
    order and rounded outward to minutes. Raises ValueError when a busy time ends before it begins.
    """
    earliest, latest = _bounds(rules, now)
    days = days_around(earliest, latest, first=first, last=last)
    asked = merge(span for day in days for span in local_spans(zone, day, [(0, DAY)]))
    if not asked:
        return []
    free = _free(rules, busy, earliest, latest + 1)
    candidates = [part for span in asked for part in within(free, *span)]
    starts: list[int] = []
    for room in _rooms(rules, asked[0][0], asked[-1][1]):
        grid = _grid(rules, room)
        for begin, end in within(candidates, room.start, room.stop):
            starts += grid[bisect_left(grid, begin) : bisect_left(grid, end)]
    return starts


def check(rules: Rules, *, now: int, busy: Iterable[Span], start: int) -> Refusal | None:
    """Return None when a meeting may begin at `start`, else the reason that helps most; the input is as in `offered`.

    Raises ValueError when a busy time ends before it begins.
    """
    earliest, latest = _bounds(rules, now)
    if start < earliest:
        return Refusal.IN_THE_PAST if start < now else Refusal.TOO_SHORT_NOTICE
    if start > latest:
        return Refusal.BEYOND_HORIZON
    room = next((room for room in _rooms(rules, start, start + 1) if start in room), None)
    if room is None:
        return Refusal.OUTSIDE_AVAILABILITY
    if start not in _grid(rules, room):
        return Refusal.OFF_GRID
    return None if _free(rules, busy, start, start + 1) else Refusal.SLOT_TAKEN


def _bounds(rules: Rules, now: int) -> Span:
    """Return the earliest and the latest start that notice and horizon allow, both included."""
    return now + rules.minimum_notice, now + rules.horizon_days * DAY


def _rooms(rules: Rules, begin: int, end: int) -> Iterator[range]:
    """Yield, in order, for each window the minutes at which a meeting that fits could start, if there are any.

    All such minutes in `begin`..`end` are among them, and some around it may be.
    """
    windows = _windows(rules, days_around(begin, end + rules.duration))
    stretches = merge(windows)
    for opens, closes in windows:
        # Who starts in the last minute of this window ends in the next one, if there is no break between the two.
        _, open_until = next(within(stretches, opens, closes - 1 + rules.duration))
        room = range(opens, open_until - rules.duration + 1)
        if room:
            yield room


def _windows(rules: Rules, days: Iterable[date]) -> list[Span]:
    """Return the windows of these dates in the order they happen."""
    overrides = {override.day: override.ranges for override in rules.overrides}
    weekly = [[(hours.start, hours.end) for hours in rules.hours if hours.weekday == weekday] for weekday in range(7)]
    return sorted(
        window for day in days for window in local_spans(rules.zone, day, overrides.get(day, weekly[day.weekday()]))
    )


def _grid(rules: Rules, room: range) -> range:
    """Return the starts in a room that are on the grid."""
    return room[:: rules.interval]


def _free(rules: Rules, busy: Iterable[Span], begin: int, end: int) -> list[Span]:
    """Return the minutes in `begin`..`end` at which a meeting could start without touching a busy time."""
    reach = rules.duration + rules.buffer_after
    blocked = merge((busy_begin - reach + 1, busy_end + rules.buffer_before) for busy_begin, busy_end in _checked(busy))
    return list(gaps(blocked, begin, end))


def _checked(busy: Iterable[Span]) -> Iterator[Span]:
    """Yield the busy times that take time at all; raises ValueError for one that ends before it begins."""
    for begin, end in busy:
        if begin > end:
            raise ValueError(f"busy time {begin} to {end} ends before it begins; give its beginning first")
        if begin < end:
            yield begin, end
