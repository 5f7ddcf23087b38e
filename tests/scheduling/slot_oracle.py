"""The slot rules a second time, by brute force: every minute is shown to a clock and asked one by one.

It shares nothing with the engine but the words of its input and its answers. Far too slow to serve guests, and simple
enough to be believed.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from webapp.scheduling.slots import Refusal, Rules


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

    def __init__(self, rules: Rules, *, now: int, busy: Iterable[tuple[int, int]], begin: int, end: int) -> None:
        self.rules, self.now, self.begin, self.end = rules, now, begin, end
        self.weekly = [[hours for hours in rules.hours if hours.weekday == weekday] for weekday in range(7)]
        self.overrides = {override.day: override.ranges for override in rules.overrides}
        self.occupied = {at for busy_begin, busy_end in busy for at in range(busy_begin, busy_end)}
        self.window_begin: dict[int, int] = {}
        self._walk()

    def _walk(self) -> None:
        """Note for each open minute when its window began, walking up from well before the first one asked about."""
        previous: date | None = None
        for at in range(self.begin - 2 * 1440, self.end + self.rules.duration):
            wall = on_the_clock(at, self.rules.zone)
            if not self._is_open(wall):
                previous = None
                continue
            today = wall.date()
            self.window_begin[at] = self.window_begin[at - 1] if today == previous else at
            previous = today

    def _is_open(self, wall: datetime) -> bool:
        shown, override = wall.hour * 60 + wall.minute, self.overrides.get(wall.date())
        if override is not None:
            return any(start <= shown < end for start, end in override)
        return any(hours.start <= shown < hours.end for hours in self.weekly[wall.weekday()])

    def verdict(self, start: int) -> Refusal | None:
        """Say whether a meeting may begin at the minute `start`, and if not, why."""
        rules = self.rules
        if start < self.now + rules.minimum_notice:
            return Refusal.IN_THE_PAST if start < self.now else Refusal.TOO_SHORT_NOTICE
        if start > self.now + rules.horizon_days * 24 * 60:
            return Refusal.BEYOND_HORIZON
        if any(at not in self.window_begin for at in range(start, start + rules.duration)):
            return Refusal.OUTSIDE_AVAILABILITY
        if (start - self.window_begin[start]) % rules.interval:
            return Refusal.OFF_GRID
        occupies = range(start - rules.buffer_before, start + rules.duration + rules.buffer_after)
        return None if self.occupied.isdisjoint(occupies) else Refusal.SLOT_TAKEN

    def offered(self, first: date, last: date, zone: ZoneInfo) -> list[int]:
        """List the bookable starts that a guest in `zone` sees on the dates `first`..`last`."""
        return [
            start
            for start in range(self.begin, self.end)
            if self.verdict(start) is None and first <= on_the_clock(start, zone).date() <= last
        ]
