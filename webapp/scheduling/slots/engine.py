"""Decides which starts may be booked. Minutes are whole UTC minutes since the epoch throughout.

Several diaries are those of hosts who all have to be there. A start is bookable when

* **bounds**: it is not before now plus the minimum notice, nor after now plus the horizon;
* **room**: the whole meeting lies in open time. A minute is open when the clock on each host's wall shows a time inside
  the hours of that date, so working hours keep their meaning across every change of the clocks. Open time goes on
  across midnight when both sides are open;
* **grid**: it is the offset and a whole number of intervals after the beginning of its window. A window is open time
  without a break that belongs to one date; ranges that touch or overlap form one, and where the next date's hours begin
  the grid starts anew. Hours past midnight belong to the date on whose evening they begin, so the grid goes on across
  that midnight; should the next date have hours of its own at the same time, those come first. Of several hosts,
  a window is what their windows have in common.
  Intervals are elapsed time: in a window across a change of the clocks the starts stay `interval` minutes apart (on
  Lord Howe Island, where clocks change by half an hour, a window open through the change offers :30 after it where it
  offered :00 before it; the next window is as usual);
* **free**: the meeting with its buffers overlaps no time that is taken or blocked. Buffers may reach outside the open
  time;
* **limits**: no day, week or month of a host is full. What counts is when a meeting begins.

A seat left in a meeting that takes place anyway needs the bounds alone.

`offered` and `check` both ask `_bounds`, `_joinable`, `_rooms`, `_grid`, `_taken`, `_blocked` and `_filled`: what is
offered is what is accepted. `offered` is what is `bookable` at any time, held against the bounds of now.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from functools import reduce
from zoneinfo import ZoneInfo

from webapp.scheduling.slots.limits import full
from webapp.scheduling.slots.local_time import DAY, days_around, local_spans, past_midnight
from webapp.scheduling.slots.rules import Diary, Refusal, Rules
from webapp.scheduling.slots.spans import Span, common, gaps, merge, within, without


def offered(rules: Rules, diaries: Sequence[Diary], *, now: int, first: date, last: date, zone: ZoneInfo) -> list[int]:
    """Return, in order, every bookable start on the dates `first`..`last` of the guest's `zone`, both included.

    `diaries` are those of the hosts who all have to be there, one at least; `now` is rounded up to a minute.
    """
    spans = asked(rules, now=now, first=first, last=last, zone=zone)
    starts = bookable(rules, diaries, begin=spans[0][0], end=spans[-1][1]) if spans else []
    return [start for begin, end in spans for start in starts[bisect_left(starts, begin) : bisect_left(starts, end)]]


def asked(rules: Rules, *, now: int, first: date, last: date, zone: ZoneInfo) -> list[Span]:
    """Return the minutes on the dates `first`..`last` of the guest's `zone` that notice and horizon leave of them."""
    earliest, latest = _bounds(rules, now)
    days = days_around(earliest, latest, first=first, last=last)
    return list(within(merge(_whole_days(zone, days)), earliest, latest + 1))


def bookable(rules: Rules, diaries: Sequence[Diary], *, begin: int, end: int) -> list[int]:
    """Return, in order, every start in `begin`..`end` that may be booked as soon as notice and horizon allow it."""
    open_for_new = list(gaps(_closed(rules, diaries), begin, end))
    starts: list[int] = []
    for room in _rooms(rules, diaries, begin, end):
        grid = _grid(rules, room)
        for opens, closes in within(open_for_new, room.start, room.stop):
            starts += grid[bisect_left(grid, opens) : bisect_left(grid, closes)]
    joinable = {start for start in _joinable(diaries) if begin <= start < end}
    return sorted(joinable.union(starts)) if joinable else starts


def check(rules: Rules, diaries: Sequence[Diary], *, now: int, start: int) -> Refusal | None:
    """Return None when a meeting may begin at `start`, else the reason that helps most; input as in `offered`."""
    return next(refusals(rules, diaries, now=now, start=start), None)


def refusals(rules: Rules, diaries: Sequence[Diary], *, now: int, start: int) -> Iterator[Refusal]:
    """Yield every reason why a meeting may not begin at `start`, the one that helps most first.

    That it has gone by is reason enough, so then there is no other.
    """
    if start < now:
        yield Refusal.IN_THE_PAST
        return
    yield from _out_of_bounds(rules, now, start)
    if start not in _joinable(diaries):
        yield from _misplaced(rules, diaries, start)
        yield from _gone(rules, diaries, start)


def _out_of_bounds(rules: Rules, now: int, start: int) -> Iterator[Refusal]:
    """Say whether `start` is nearer or further away than it may be."""
    earliest, latest = _bounds(rules, now)
    if start < earliest:
        yield Refusal.TOO_SHORT_NOTICE
    elif start > latest:
        yield Refusal.BEYOND_HORIZON


def _misplaced(rules: Rules, diaries: Sequence[Diary], start: int) -> Iterator[Refusal]:
    """Say what keeps a meeting from beginning at `start` even if nothing else took place."""
    room = next((room for room in _rooms(rules, diaries, start, start + 1) if start in room), None)
    if room is None:
        yield Refusal.OUTSIDE_AVAILABILITY
    elif start not in _grid(rules, room):
        yield Refusal.OFF_GRID


def _gone(rules: Rules, diaries: Sequence[Diary], start: int) -> Iterator[Refusal]:
    """Say what has been booked or blocked already that keeps a meeting from beginning at `start`."""
    if any(within(merge(_taken(rules, diaries)), start, start + 1)):
        yield Refusal.SLOT_TAKEN
    if any(within(merge(_blocked(rules, diaries)), start, start + 1)):
        yield Refusal.BLOCKED
    if any(within(merge(_filled(rules, diaries)), start, start + 1)):
        yield Refusal.LIMIT_REACHED


def _bounds(rules: Rules, now: int) -> Span:
    """Return the earliest and the latest start that notice and horizon allow, both included."""
    return now + rules.minimum_notice, now + rules.horizon_days * DAY


def _whole_days(zone: ZoneInfo, days: Iterable[date]) -> Iterator[Span]:
    return (span for day in days for span in local_spans(zone, day, [(0, DAY)]))


def _joinable(diaries: Sequence[Diary]) -> set[int]:
    """Return the starts of meetings that take place anyway and have a seat left, with every one of the hosts."""
    first, *others = diaries
    return set(first.joinable).intersection(*(other.joinable for other in others))


def _rooms(rules: Rules, diaries: Sequence[Diary], begin: int, end: int) -> Iterator[range]:
    """Yield, in order, for each window the minutes at which a meeting that fits could start, if there are any.

    All such minutes in `begin`..`end` are among them, and some around it may be.
    """
    days = list(days_around(begin - DAY, end + rules.duration))  # a window may have begun the evening before
    windows = reduce(common, (_windows(diary, days) for diary in diaries))
    stretches = merge(windows)
    for opens, closes in windows:
        # Who starts in the last minute of this window ends in the next one, if there is no break between the two.
        _, open_until = next(within(stretches, opens, closes - 1 + rules.duration))
        room = range(opens, open_until - rules.duration + 1)
        if room:
            yield room


def open_spans(diary: Diary, begin: int, end: int) -> list[Span]:
    """Return, in order, when one host is open between two UTC minutes, and some time around it; busy or not."""
    return _windows(diary, days_around(begin - DAY, end))


def _windows(diary: Diary, days: Iterable[date]) -> list[Span]:
    """Return one host's windows of these dates in the order they happen; none overlaps another one."""
    overrides = {override.day: override.ranges for override in diary.overrides}
    weekly = [[(hours.start, hours.end) for hours in diary.hours if hours.weekday == weekday] for weekday in range(7)]

    def ranges(day: date) -> Sequence[Span]:
        return overrides.get(day, weekly[day.weekday()])

    windows: list[Span] = []
    for day in days:
        of_day = local_spans(diary.zone, day, ranges(day))
        if late := past_midnight(ranges(day)):
            next_day = day + timedelta(days=1)
            in_the_way = local_spans(diary.zone, next_day, ranges(next_day))
            of_day = merge((*of_day, *without(local_spans(diary.zone, next_day, late), in_the_way)))
        windows += of_day
    return sorted(windows)


def _grid(rules: Rules, room: range) -> range:
    """Return the starts in a room that are on the grid."""
    return room[rules.offset :: rules.interval]


def _closed(rules: Rules, diaries: Sequence[Diary]) -> list[Span]:
    """Return the minutes at which no new meeting can start, for what has been booked or blocked already."""
    return merge((*_taken(rules, diaries), *_blocked(rules, diaries), *_filled(rules, diaries)))


def _filled(rules: Rules, diaries: Sequence[Diary]) -> Iterator[Span]:
    """Yield the days, weeks and months that hold as many meetings of one of the hosts as they may."""
    return (span for diary in diaries for span in full(rules.limits, diary))


def _taken(rules: Rules, diaries: Sequence[Diary]) -> Iterator[Span]:
    """Yield the minutes at which a meeting that starts would touch another one."""
    for diary in diaries:
        yield from _touching(diary.own, rules.duration + rules.buffer_after, rules.buffer_before)
        yield from _touching(diary.busy, *_apart_from_others(rules))


def _blocked(rules: Rules, diaries: Sequence[Diary]) -> Iterator[Span]:
    """Yield the minutes at which a meeting that starts would touch a time that one of the hosts has blocked."""
    return (span for diary in diaries for span in _touching(diary.blocked, *_apart_from_others(rules)))


def _apart_from_others(rules: Rules) -> tuple[int, int]:
    """Return how many minutes a meeting takes, and wants before it, where something of another kind is."""
    if rules.buffers_among_own:
        return rules.duration, 0
    return rules.duration + rules.buffer_after, rules.buffer_before


def _touching(gone: Iterable[Span], reach: int, gap: int) -> Iterator[Span]:
    """Yield the starts of meetings that take `reach` minutes and want `gap` minutes before them, and touch `gone`."""
    return ((begin - reach + 1, end + gap) for begin, end in gone if begin < end)
