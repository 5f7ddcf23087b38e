"""Which starts are offered, and why another is refused: both are the slot engine's word on the same rules."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from webapp.core.clock import find_zone
from webapp.scheduling import queries
from webapp.scheduling.errors import (
    BeyondHorizon,
    InThePast,
    OffGrid,
    OutsideAvailability,
    RangeReversed,
    RangeTooLong,
    SlotTaken,
    StartRefused,
    TooShortNotice,
)
from webapp.scheduling.minutes import DAY, midnight_of, minute_of, moment_of, now_minute
from webapp.scheduling.models import EventType, Schedule
from webapp.scheduling.slots import Hours, Override, Refusal, Rules, Span, check, offered

MOST_DAYS = 62

# Longer than a meeting with both buffers (1440 + 720 + 720 minutes) and any zone's distance from UTC together.
_REACH = 4 * DAY

_REFUSALS: dict[Refusal, type[StartRefused]] = {
    Refusal.IN_THE_PAST: InThePast,
    Refusal.TOO_SHORT_NOTICE: TooShortNotice,
    Refusal.BEYOND_HORIZON: BeyondHorizon,
    Refusal.OUTSIDE_AVAILABILITY: OutsideAvailability,
    Refusal.OFF_GRID: OffGrid,
    Refusal.SLOT_TAKEN: SlotTaken,
}


@dataclass(frozen=True, slots=True)
class Offer:
    """A time that can be booked; both ends aware and in UTC."""

    start: datetime
    end: datetime
    seats_left: int = 1


def offered_slots(
    *, event_type: EventType, first: date, last: date, zone: ZoneInfo, excluding: UUID | None = None
) -> list[Offer]:
    """Return what can be booked on the dates `first`..`last` of the guest's `zone`, both included, in order.

    `excluding` is a booking about to be moved, whose own time counts as free. Raises RangeReversed, and RangeTooLong
    for more than 62 days.
    """
    if last < first:
        raise RangeReversed
    if (last - first).days >= MOST_DAYS:
        raise RangeTooLong
    rules, now = rules_for(event_type), now_minute()
    begin = max(midnight_of(first), now) - _REACH
    until = min(midnight_of(last), now + rules.horizon_days * DAY) + _REACH
    if begin >= until:
        return []
    busy = _busy(event_type, begin, until, excluding)
    starts = offered(rules, now=now, busy=busy, first=first, last=last, zone=zone)
    duration = timedelta(minutes=rules.duration)
    return [Offer(start, start + duration) for start in map(moment_of, starts)]


def require_offered(*, event_type: EventType, start: datetime, excluding: UUID | None = None) -> None:
    """Return when a meeting may begin at `start` (aware), raise the StartRefused that says why not otherwise.

    `excluding` is a booking about to be moved, whose own time counts as free.
    """
    rules, now, minute = rules_for(event_type), now_minute(), minute_of(start)
    within_horizon = min(
        max(minute, now), now + rules.horizon_days * DAY
    )  # no date of a calendar is too far to look up
    busy = _busy(event_type, within_horizon - _REACH, within_horizon + _REACH, excluding)
    refusal = check(rules, now=now, busy=busy, start=minute)
    if refusal is None and start != moment_of(minute):
        refusal = Refusal.OFF_GRID  # some seconds past a start that is offered
    if refusal is not None:
        raise _REFUSALS[refusal]


def rules_for(event_type: EventType) -> Rules:
    """Return what the slot engine needs to know of an event type and its schedule."""
    schedule = event_type.schedule
    return Rules(
        zone=find_zone(schedule.timezone),
        hours=tuple(Hours(hours.weekday, hours.start_minute, hours.end_minute) for hours in schedule.hours),
        overrides=_overrides(schedule),
        duration=event_type.duration,
        interval=event_type.slot_interval,
        buffer_before=event_type.buffer_before,
        buffer_after=event_type.buffer_after,
        minimum_notice=event_type.minimum_notice,
        horizon_days=event_type.horizon_days,
    )


def _overrides(schedule: Schedule) -> tuple[Override, ...]:
    """Gather the rows of a date into one override; the row of a closed day has an empty range, which opens nothing."""
    ranges: dict[date, list[Span]] = defaultdict(list)
    for row in schedule.overrides:
        ranges[row.day] += [(row.start_minute, row.end_minute)] if row.end_minute else []
    return tuple(Override(day, tuple(spans)) for day, spans in ranges.items())


def _busy(event_type: EventType, begin: int, until: int, excluding: UUID | None) -> list[Span]:
    return queries.busy_spans(
        host_id=event_type.host_id, begin=moment_of(begin), until=moment_of(until), excluding=excluding
    )
