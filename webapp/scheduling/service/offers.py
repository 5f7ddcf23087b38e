"""Which starts are offered, and why another is refused: both are the slot engine's word on the same rules."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from webapp.core.clock import find_zone
from webapp.core.validation import FieldError, InvalidInput
from webapp.scheduling import queries
from webapp.scheduling.errors import (
    BeyondHorizon,
    InThePast,
    LimitReached,
    OffGrid,
    OutsideAvailability,
    RangeReversed,
    RangeTooLong,
    SlotTaken,
    StartRefused,
    TooShortNotice,
)
from webapp.scheduling.minutes import DAY, midnight_of, minute_of, moment_of, now_minute
from webapp.scheduling.models import Booking, EventType, Schedule
from webapp.scheduling.queries import Held
from webapp.scheduling.slots import Diary, Hours, Limits, Override, Refusal, Rules, Span, check, offered

MOST_DAYS = 62

# A meeting with both buffers takes no longer (1440 + 720 + 720 minutes); no zone is farther from UTC.
_LONGEST = 2 * DAY
_FARTHEST_ZONE = DAY

_REFUSALS: dict[Refusal, type[StartRefused]] = {
    Refusal.IN_THE_PAST: InThePast,
    Refusal.TOO_SHORT_NOTICE: TooShortNotice,
    Refusal.BEYOND_HORIZON: BeyondHorizon,
    Refusal.OUTSIDE_AVAILABILITY: OutsideAvailability,
    Refusal.OFF_GRID: OffGrid,
    Refusal.SLOT_TAKEN: SlotTaken,
    Refusal.LIMIT_REACHED: LimitReached,
}


@dataclass(frozen=True, slots=True)
class Offer:
    """A time that can be booked; both ends aware and in UTC."""

    start: datetime
    end: datetime
    seats_left: int = 1


def offered_slots(
    *,
    event_type: EventType,
    first: date,
    last: date,
    zone: ZoneInfo,
    duration: int | None = None,
    moving: Booking | None = None,
) -> list[Offer]:
    """Return what can be booked on the dates `first`..`last` of the guest's `zone`, both included, in order.

    `duration` is one of the event type's, in minutes; `moving` is a booking about to be moved, whose own time counts
    as free. Raises RangeReversed, RangeTooLong for more than 62 days, and InvalidInput for another duration.
    """
    if last < first:
        raise RangeReversed
    if (last - first).days >= MOST_DAYS:
        raise RangeTooLong
    rules, now = rules_for(event_type, duration=duration, moving=moving), now_minute()
    begin = max(midnight_of(first) - _FARTHEST_ZONE, now)
    until = min(midnight_of(last) + DAY + _FARTHEST_ZONE, now + rules.horizon_days * DAY)
    if begin > until:
        return []
    held = _held(event_type, rules, begin, until, moving)
    starts = offered(rules, _diaries(event_type, held), now=now, first=first, last=last, zone=zone)
    begun = {meeting.start: meeting for meeting in held if meeting.event_type_id == event_type.id}
    return [_offer(event_type, rules, start, begun.get(start)) for start in starts]


def require_offered(
    *, event_type: EventType, start: datetime, duration: int | None = None, moving: Booking | None = None
) -> None:
    """Return when a meeting may begin at `start` (aware), raise the StartRefused that says why not otherwise.

    `duration` and `moving` are as in `offered_slots`, and so is what is raised for another duration.
    """
    rules, now = rules_for(event_type, duration=duration, moving=moving), now_minute()
    minute = minute_of(start)
    # No date of a calendar is too far to look up.
    within_horizon = min(max(minute, now), now + rules.horizon_days * DAY)
    held = _held(event_type, rules, within_horizon, within_horizon, moving)
    refusal = check(rules, _diaries(event_type, held), now=now, start=minute)
    if refusal is None and start != moment_of(minute):
        refusal = Refusal.OFF_GRID  # some seconds past a start that is offered
    if refusal is not None:
        raise _REFUSALS[refusal]


def rules_for(event_type: EventType, *, duration: int | None = None, moving: Booking | None = None) -> Rules:
    """Return the event type's terms for a meeting of `duration` minutes, or of the booking that is `moving`.

    Raises InvalidInput naming `duration` when it is none of the event type's.
    """
    return Rules(
        duration=chosen_duration(event_type, duration=duration, moving=moving),
        interval=event_type.slot_interval,
        offset=event_type.slot_offset,
        buffer_before=event_type.buffer_before,
        buffer_after=event_type.buffer_after,
        buffers_among_own=event_type.buffers_among_own,
        minimum_notice=event_type.minimum_notice,
        horizon_days=event_type.horizon_days,
        limits=Limits(
            per_day=event_type.limit_per_day,
            per_week=event_type.limit_per_week,
            per_month=event_type.limit_per_month,
        ),
    )


def chosen_duration(event_type: EventType, *, duration: int | None, moving: Booking | None = None) -> int:
    """Return how many minutes the meeting takes: as chosen, else as long as the booking that moves, else as usual.

    Raises InvalidInput naming `duration` when it is none of the event type's.
    """
    if duration is None:
        usual = moving.minutes if moving else event_type.duration
        return usual if usual in event_type.durations else event_type.duration
    if duration not in event_type.durations:
        lengths = ", ".join(map(str, event_type.durations))
        raise InvalidInput([FieldError("duration", f"Please choose one of these lengths in minutes: {lengths}.")])
    return duration


def _offer(event_type: EventType, rules: Rules, start: int, meeting: Held | None) -> Offer:
    """Return the offer of a seat in the `meeting` that takes place anyway, or of a new one."""
    if meeting:
        return Offer(moment_of(start), moment_of(meeting.end), meeting.seats_left)
    return Offer(moment_of(start), moment_of(start + rules.duration), event_type.seats)


def _held(event_type: EventType, rules: Rules, begin: int, until: int, moving: Booking | None) -> list[Held]:
    """Return what is in the way of meetings that begin between two minutes, and what counts towards their limits."""
    reach = _LONGEST + rules.limits.reach * DAY
    return queries.held_times(
        host_ids=[event_type.host_id],
        begin=moment_of(begin - reach),
        until=moment_of(until + reach),
        leaving=moving.meeting_id if moving else None,
    )


def _diaries(event_type: EventType, held: list[Held]) -> list[Diary]:
    """Return the diaries of the hosts who all have to be there."""
    return [_diary(event_type, event_type.schedule, held)]


def _diary(event_type: EventType, schedule: Schedule, held: list[Held]) -> Diary:
    """Return the diary of one host: the hours of the schedule, and the meetings of theirs that were found."""
    own = [meeting for meeting in held if meeting.event_type_id == event_type.id]
    return Diary(
        zone=find_zone(schedule.timezone),
        hours=tuple(Hours(hours.weekday, hours.start_minute, hours.end_minute) for hours in schedule.hours),
        overrides=_overrides(schedule),
        busy=[
            (meeting.blocked_from, meeting.blocked_until) for meeting in held if meeting.event_type_id != event_type.id
        ],
        own=[(meeting.apart_from, meeting.apart_until) for meeting in own],
        starts=[meeting.start for meeting in own],
        joinable=[meeting.start for meeting in own if meeting.seats_left > 0],
    )


def _overrides(schedule: Schedule) -> tuple[Override, ...]:
    """Gather the rows of a date into one override; the row of a closed day has an empty range, which opens nothing."""
    ranges: dict[date, list[Span]] = defaultdict(list)
    for row in schedule.overrides:
        ranges[row.day] += [(row.start_minute, row.end_minute)] if row.end_minute else []
    return tuple(Override(day, tuple(spans)) for day, spans in ranges.items())
