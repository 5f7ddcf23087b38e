"""Open times worked out before anybody asks for them, and thrown away when they are over."""

from __future__ import annotations

from datetime import datetime, timedelta

from webapp.core.settings import settings
from webapp.scheduling import chunks
from webapp.scheduling.chunks import span_of, weeks_between
from webapp.scheduling.minutes import DAY, minute_from, minute_of, now_minute
from webapp.scheduling.models import EventType
from webapp.scheduling.service.diaries import reach_of
from webapp.scheduling.service.offers import open_times, rules_for, stamps_of


def weeks_ahead(event_type: EventType, *, days: int | None = None) -> range:
    """Return the weeks from this one on, for so many days, or AVAILABILITY_DAYS_AHEAD, and not beyond the horizon."""
    now, ahead = now_minute(), min(days or settings().availability_days_ahead, event_type.horizon_days)
    return weeks_between(now, now + ahead * DAY)


def precompute(event_type: EventType, *, weeks: range) -> int:
    """See to it that the cache has every length of these weeks; return how many chunks had to be worked out."""
    made = 0
    for duration in event_type.durations:
        _times, missing = open_times(event_type, rules_for(event_type, duration=duration), weeks=weeks)
        made += missing
    return made


def forget(event_type: EventType, *, begin: datetime | None, until: datetime | None) -> int:
    """Drop from the cache what a change between two instants (aware; None for any time) has made out of date.

    What is dropped of the weeks that are worked out ahead is marked, to be worked out anew. Returns how many chunks
    went; raises RedisError.
    """
    ahead = weeks_ahead(event_type)
    rules = rules_for(event_type)
    weeks = ahead
    if begin and until:
        first, last = span_of(weeks_between(minute_of(begin), minute_from(until) + 1))  # versions are of whole weeks
        weeks = weeks_between(first - reach_of(rules), last + reach_of(rules))
    current = {
        place: stamp
        for duration in event_type.durations
        for place, stamp in stamps_of(event_type, rules_for(event_type, duration=duration), weeks=weeks).items()
    }
    dropped = chunks.drop(event_type.id, weeks, keep=current)
    if event_type.is_active:
        chunks.mark_dirty(event_type.id, [week for week in weeks if week in ahead])
    return dropped


def spread(number: int, of: int, *, over: timedelta) -> timedelta:
    """Return how long the one with this number, of so many, waits so that all of them come evenly."""
    return over * number / max(of, 1)
