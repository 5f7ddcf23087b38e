"""Which stretches of time hold as many meetings as they may, so that no further one begins in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta

from webapp.scheduling.slots.local_time import DAY, local_date, local_spans
from webapp.scheduling.slots.rules import Diary, Limits
from webapp.scheduling.slots.spans import Span

# The first date of the period that a date is in, and that of the one after.
Period = tuple[date, date]


def full(limits: Limits, diary: Diary) -> Iterator[Span]:
    """Yield the days, weeks and months, as the host's clocks have them, that hold their limit of meetings."""
    limited: list[tuple[int | None, Callable[[date], Period]]] = [
        (limits.per_day, _day),
        (limits.per_week, _week),
        (limits.per_month, _month),
    ]
    for most, period_of in limited:
        if most is None:
            continue
        counted = Counter(period_of(local_date(diary.zone, start)) for start in diary.starts)
        for (first, after), meetings in counted.items():
            if meetings >= most:
                for day in range((after - first).days):
                    yield from local_spans(diary.zone, first + timedelta(days=day), [(0, DAY)])


def _day(day: date) -> Period:
    return day, day + timedelta(days=1)


def _week(day: date) -> Period:
    monday = day - timedelta(days=day.weekday())
    return monday, monday + timedelta(days=7)


def _month(day: date) -> Period:
    first = day.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1)
