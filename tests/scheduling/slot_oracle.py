"""The slot rules a second time, by brute force: every minute is shown to a clock and asked one by one.

It shares nothing with the engine but the words of its input and its answers. Far too slow to serve guests, and simple
enough to be believed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from webapp.scheduling.slots import Diary, Refusal, Rules


def minute(text: str) -> int:
    """Return the UTC minute of an ISO instant, which is in UTC unless it says otherwise: `2026-03-08 14:00`."""
    moment = datetime.fromisoformat(text)
    seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return int(seconds) // 60


def on_the_clock(at: int, zone: ZoneInfo) -> datetime:
    """Return what the clocks of `zone` show at a UTC minute."""
    return datetime.fromtimestamp(at * 60, zone)


class Oracle:
    """Knows the answer for every start from `begin` up to, and without, `end`."""

    def __init__(self, rules: Rules, diaries: Sequence[Diary], *, now: int, begin: int, end: int) -> None:
        self.rules, self.diaries, self.now, self.begin, self.end = rules, diaries, now, begin, end
        self.busy = {at for diary in diaries for span in diary.busy for at in range(*span)}
        self.blocked = {at for diary in diaries for span in diary.blocked for at in range(*span)}
        self.own = {at for diary in diaries for span in diary.own for at in range(*span)}
        self.window_begin: dict[int, int] = {}
        self._minutes = cache(self._minutes_of)
        self._walk()

    def _walk(self) -> None:
        """Note for each open minute when its window began, walking up from well before the first one asked about."""
        previous: list[date | None] = []
        for at in range(self.begin - 3 * 1440, self.end + self.rules.duration):
            days = [self._opened_by(number, on_the_clock(at, diary.zone)) for number, diary in enumerate(self.diaries)]
            if None not in days:
                self.window_begin[at] = self.window_begin[at - 1] if days == previous else at
            previous = [] if None in days else days

    def _opened_by(self, number: int, wall: datetime) -> date | None:
        """Say which date's hours are open: the date's own, or else those of the day before that last past midnight."""
        shown, today = wall.hour * 60 + wall.minute, wall.date()
        if shown in self._minutes(number, today):
            return today
        yesterday = today - timedelta(days=1)
        return yesterday if shown + 1440 in self._minutes(number, yesterday) else None

    def _minutes_of(self, number: int, day: date) -> set[int]:
        """Return the open minutes of a date; those of the night after it are past 1440."""
        return {at for start, end in self._ranges_of(number, day) for at in range(start, end)}

    def _ranges_of(self, number: int, day: date) -> list[tuple[int, int]]:
        diary = self.diaries[number]
        for override in diary.overrides:
            if override.day == day:
                return list(override.ranges)
        return [(hours.start, hours.end) for hours in diary.hours if hours.weekday == day.weekday()]

    def verdict(self, start: int) -> Refusal | None:
        """Say whether a meeting may begin at the minute `start`, and if not, why."""
        rules = self.rules
        if start < self.now + rules.minimum_notice:
            return Refusal.IN_THE_PAST if start < self.now else Refusal.TOO_SHORT_NOTICE
        if start > self.now + rules.horizon_days * 24 * 60:
            return Refusal.BEYOND_HORIZON
        if all(start in diary.joinable for diary in self.diaries):
            return None
        return self._misplaced(start) or self._gone(start)

    def _misplaced(self, start: int) -> Refusal | None:
        rules = self.rules
        if not all(map(self.window_begin.__contains__, range(start, start + rules.duration))):
            return Refusal.OUTSIDE_AVAILABILITY
        into_the_window = start - self.window_begin[start] - rules.offset
        if into_the_window < 0 or into_the_window % rules.interval:
            return Refusal.OFF_GRID
        return None

    def _gone(self, start: int) -> Refusal | None:
        if self._meets_something(start):
            return Refusal.SLOT_TAKEN
        if not self.blocked.isdisjoint(self._before_others(start)):
            return Refusal.BLOCKED
        return Refusal.LIMIT_REACHED if any(self._is_full(diary, start) for diary in self.diaries) else None

    def _meets_something(self, start: int) -> bool:
        return not (self.own.isdisjoint(self._with_buffers(start)) and self.busy.isdisjoint(self._before_others(start)))

    def _before_others(self, start: int) -> range:
        bare = range(start, start + self.rules.duration)
        return bare if self.rules.buffers_among_own else self._with_buffers(start)

    def _with_buffers(self, start: int) -> range:
        return range(start - self.rules.buffer_before, start + self.rules.duration + self.rules.buffer_after)

    def _is_full(self, diary: Diary, start: int) -> bool:
        limits, begins = self.rules.limits, on_the_clock(start, diary.zone)
        others = [on_the_clock(other, diary.zone) for other in diary.starts]
        held = {
            "day": (limits.per_day, [other for other in others if other.date() == begins.date()]),
            "week": (limits.per_week, [other for other in others if f"{other:%G %V}" == f"{begins:%G %V}"]),
            "month": (limits.per_month, [other for other in others if f"{other:%Y %m}" == f"{begins:%Y %m}"]),
        }
        return any(most is not None and len(meetings) >= most for most, meetings in held.values())

    def offered(self, first: date, last: date, zone: ZoneInfo) -> list[int]:
        """List the bookable starts that a guest in `zone` sees on the dates `first`..`last`."""
        return [
            start
            for start in range(self.begin, self.end)
            if self.verdict(start) is None and first <= on_the_clock(start, zone).date() <= last
        ]
