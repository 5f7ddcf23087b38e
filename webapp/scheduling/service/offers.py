"""Which starts are offered, and why another is refused: both are the slot engine's word on the same rules."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import groupby, islice
from operator import attrgetter
from zoneinfo import ZoneInfo

from webapp.core.clock import find_zone
from webapp.core.db import reading
from webapp.core.validation import FieldError, InvalidInput
from webapp.core.words import say
from webapp.scheduling import chunks, queries
from webapp.scheduling.chunks import Chunk, OpenTime, Place, span_of, weeks_between
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
from webapp.scheduling.minutes import DAY, minute_from, minute_of, moment_of, now_minute
from webapp.scheduling.models import Booking, EventType, Hold
from webapp.scheduling.queries import Held, Listing, Versions
from webapp.scheduling.service.diaries import Lineup, lasts_until, lineups, reach_of
from webapp.scheduling.slots import OVERRIDABLE, Limits, Refusal, Rules, Span, asked, bookable, refusals

MOST_DAYS = 62

# What says on which terms an event type is booked.
Terms = EventType | Listing

# How far ahead hosts themselves can book.
_FARTHEST_DAYS = 3660

_HELPFULNESS = list(Refusal)

_REFUSALS: dict[Refusal, type[StartRefused]] = {
    Refusal.IN_THE_PAST: InThePast,
    Refusal.TOO_SHORT_NOTICE: TooShortNotice,
    Refusal.BEYOND_HORIZON: BeyondHorizon,
    Refusal.OUTSIDE_AVAILABILITY: OutsideAvailability,
    Refusal.OFF_GRID: OffGrid,
    Refusal.SLOT_TAKEN: SlotTaken,
    # What a host does instead of taking guests is nobody's business.
    Refusal.BLOCKED: SlotTaken,
    Refusal.LIMIT_REACHED: LimitReached,
}


@dataclass(frozen=True, slots=True)
class Offer:
    """A time that can be booked; both ends aware and in UTC. Each free host of a team who take turns is a seat."""

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
    return _slots(event_type, first, last, zone, duration=duration, moving=moving)


def taken_slots(
    *, event_type: EventType, first: date, last: date, zone: ZoneInfo, duration: int | None = None
) -> list[Offer]:
    """Return what could be booked on these dates if nobody had booked yet, and cannot; the rest as `offered_slots`."""
    free = {offer.start for offer in _slots(event_type, first, last, zone, duration=duration)}
    return [
        offer
        for offer in _slots(event_type, first, last, zone, duration=duration, empty=True)
        if offer.start not in free
    ]


def starts_by_now(*, event_type: EventType, duration: int, begin: datetime, until: datetime) -> list[datetime]:
    """Return, in order, what can be booked on the dates of UTC from one instant to another (aware), with what this very
    transaction has changed: so the cache, which all share, is left alone.
    """
    rules = rules_for(event_type, duration=duration)
    spans = asked(rules, now=now_minute(), first=begin.date(), last=until.date(), zone=find_zone("UTC"))
    return [
        moment_of(time.start)
        for span_begin, span_end in spans
        for time in work_out(event_type, rules, begin=span_begin, end=span_end)
    ]


def _slots(
    event_type: EventType,
    first: date,
    last: date,
    zone: ZoneInfo,
    *,
    duration: int | None,
    moving: Booking | None = None,
    empty: bool = False,
) -> list[Offer]:
    rules, spans = asked_for(event_type, first=first, last=last, zone=zone, duration=duration, moving=moving)
    if not spans:
        return []
    begin, end = spans[0][0], spans[-1][1]
    if moving:
        times = work_out(event_type, rules, begin=begin, end=end, moving=moving)
    else:
        times, missing = open_times(event_type, rules, weeks=weeks_between(begin, end), empty=empty)
        if not empty:  # nobody works those out ahead
            chunks.count(asked=len(weeks_between(begin, end)), missing=missing)
    return [
        Offer(moment_of(start), moment_of(ends), seats_left)
        for span_begin, span_end in spans
        for start, ends, seats_left in times[_place(times, span_begin) : _place(times, span_end)]
    ]


def asked_for(
    event_type: Terms, *, first: date, last: date, zone: ZoneInfo, duration: int | None, moving: Booking | None = None
) -> tuple[Rules, list[Span]]:
    """Return by what rules, and in which spans of UTC minutes, a meeting may begin on these dates of the `zone`.

    Raises RangeReversed, RangeTooLong for more than 62 days, and InvalidInput for a `duration` that is none of its own.
    """
    if last < first:
        raise RangeReversed
    if (last - first).days >= MOST_DAYS:
        raise RangeTooLong
    rules = rules_for(event_type, duration=duration, moving=moving)
    return rules, asked(rules, now=now_minute(), first=first, last=last, zone=zone)


def open_times(event_type: EventType, rules: Rules, *, weeks: range, empty: bool = False) -> tuple[list[OpenTime], int]:
    """Return what could be booked in some weeks, in order, were it not for notice and horizon, and how many of the
    weeks had to be worked out. With `empty`, nobody has booked.

    What the cache does not have is worked out and left there. Versions are read first and everything else after them:
    what somebody changes in between is then kept under a version that nobody asks for any more.
    """
    stamps = stamps_of(event_type, rules, weeks=weeks, empty=empty)
    known, made = find_chunks(stamps, read=lambda: queries.read_again(event_type))
    return [time for place in stamps for time in known[place].times], made


def stamps_of(event_type: EventType, rules: Rules, *, weeks: range, empty: bool = False) -> dict[Place, str]:
    """Return the chunks of some weeks, in order, with what stands for all that decides what they hold."""
    versions = queries.availability_versions(event_type.id, weeks=weeks_around(*span_of(weeks), reach=reach_of(rules)))
    return stamps_under(versions, event_type, rules, weeks=weeks, empty=empty)


def stamps_under(
    versions: Versions, event_type: Terms, rules: Rules, *, weeks: range, empty: bool = False
) -> dict[Place, str]:
    """Return the same, by versions that have been read of all weeks around these."""
    reach = reach_of(rules)
    stamps = {}
    for week in weeks:
        concerned = weeks_around(*span_of(range(week, week + 1)), reach=reach)
        stamps[Place(event_type.id, rules.duration, week, empty)] = versions.stamp(concerned)
    return stamps


def weeks_around(begin: int, end: int, *, reach: int) -> range:
    """Return the weeks in which anything can decide what may begin from one UTC minute to another."""
    return weeks_between(begin - reach, end + reach)


def find_chunks(stamps: Mapping[Place, str], *, read: Callable[[], EventType | None]) -> tuple[dict[Place, Chunk], int]:
    """Return the chunks under these stamps, in order and all of one kind, and how many were not in the cache.

    Those are worked out and left there, of the event type as it is now, which `read` returns; None when it is gone, and
    they with it.
    """
    known = chunks.read(stamps)
    missing = [place for place in stamps if place not in known]
    if missing:
        with reading():
            if event_type := read():
                known |= _make_chunks(event_type, missing, stamps)
    return known, len(missing)


def _make_chunks(event_type: EventType, missing: Sequence[Place], stamps: Mapping[Place, str]) -> dict[Place, Chunk]:
    """Work out what is missing, in one go; what else lies in between is worked out too, and kept if it is asked for."""
    rules = replace(rules_for(event_type), duration=missing[0].duration)
    weeks = range(missing[0].week, missing[-1].week + 1)
    worked_out = _chunks_of(event_type, rules, weeks=weeks, empty=missing[0].empty)
    made = {place: chunk for place, chunk in worked_out.items() if place in stamps}
    chunks.write(made, stamps)
    return made


def _chunks_of(event_type: EventType, rules: Rules, *, weeks: range, empty: bool) -> dict[Place, Chunk]:
    """Work out some weeks at once, and take them apart."""
    begin, end = span_of(weeks)
    # Asked first, so that nothing can end unseen between the two; where nothing is held, nothing ends.
    valid_until = None if empty else lasts_until(event_type, rules, begin=begin, until=end - 1)
    apart: dict[int, list[OpenTime]] = {week: [] for week in weeks}
    times = work_out(event_type, rules, begin=begin, end=end, empty=empty)
    for week, of_week in groupby(times, lambda time: weeks_between(time.start, time.start + 1).start):
        apart[week] = list(of_week)
    return {
        Place(event_type.id, rules.duration, week, empty): Chunk(times, valid_until) for week, times in apart.items()
    }


def work_out(
    event_type: EventType, rules: Rules, *, begin: int, end: int, moving: Booking | None = None, empty: bool = False
) -> list[OpenTime]:
    """Work out what could be booked from one UTC minute to another, were it not for notice and horizon.

    `moving` and `empty` are as in `lineups`.
    """
    hosts: Counter[int] = Counter()
    begun: dict[int, Held] = {}
    for lineup in lineups(event_type, rules, begin=begin, until=end - 1, moving=moving, empty=empty):
        hosts.update(bookable(rules, lineup.diaries, begin=begin, end=end))
        begun |= lineup.begun if event_type.is_group else {}
    return _open_times(sorted(hosts.items()), begun, duration=rules.duration, seats=event_type.seats)


def _open_times(
    hosts: Iterable[tuple[int, int]], begun: Mapping[int, Held], *, duration: int, seats: int
) -> list[OpenTime]:
    """Return the seats in the meeting that takes place anyway, or in new ones with so many hosts, by their starts."""
    return [
        OpenTime(start, meeting.end, meeting.seats_left)
        if (meeting := begun.get(start))
        else OpenTime(start, start + duration, seats * number)
        for start, number in hosts
    ]


def _place(times: Sequence[OpenTime], minute: int) -> int:
    return bisect_left(times, minute, key=attrgetter("start"))


def require_offered(
    *,
    event_type: EventType,
    start: datetime,
    duration: int | None = None,
    moving: Booking | None = None,
    outside_rules: bool = False,
    hold: Hold | None = None,
    asked_at: datetime | None = None,
) -> list[Lineup]:
    """Return who can host a meeting that begins at `start` (aware), raise the StartRefused that says why nobody can.

    `duration` and `moving` are as in `offered_slots`, and so is what is raised for another duration. The caller's own
    `hold` does not stand in the way. The notice counts from `asked_at` (aware), or else from now. With
    `outside_rules`, when nobody can by the rules, those can who are kept from it by nothing but what hosts may pass
    over: hours, blocks, days out of office, notice, horizon, grid and limits.
    """
    judged = _judge(event_type, start, duration, moving, outside_rules=outside_rules, hold=hold, asked_at=asked_at)
    free = [lineup for lineup, refused in judged if not refused]
    if outside_rules and not free:
        # Who stands in does so on the days of the absence alone, whatever else hosts may pass over.
        free = [lineup for lineup, refused in judged if OVERRIDABLE.issuperset(refused) and not lineup.stands_in]
    if not free:
        overridden = OVERRIDABLE if outside_rules else frozenset()
        against = (refused for lineup, refused in judged if not (outside_rules and lineup.stands_in))
        raise _nearest([each for each in refused if each not in overridden] for refused in against)
    return free


def broken_rules(
    *, event_type: EventType, start: datetime, duration: int | None = None, moving: Booking | None = None
) -> list[Refusal]:
    """Return what a host passes over who has a meeting begin at `start` all the same; nothing when it is on offer.

    Raises the StartRefused that says why not even a host can; the rest is as in `require_offered`.
    """
    judged = _judge(event_type, start, duration, moving, outside_rules=True)
    able = [refused for lineup, refused in judged if not (refused and lineup.stands_in)]
    passed = [refused for refused in able if OVERRIDABLE.issuperset(refused)]
    if not passed:
        raise _nearest([each for each in refused if each not in OVERRIDABLE] for refused in able)
    return min(passed, key=len)


def _nearest(judged: Iterable[Sequence[Refusal]]) -> StartRefused:
    """Return why nobody can, of those whom the least keeps from it."""
    first = (refused[0] for refused in judged)
    return _REFUSALS[max(first, key=_HELPFULNESS.index, default=Refusal.OUTSIDE_AVAILABILITY)]()


def _judge(
    event_type: EventType,
    start: datetime,
    duration: int | None,
    moving: Booking | None,
    *,
    outside_rules: bool,
    hold: Hold | None = None,
    asked_at: datetime | None = None,
) -> list[tuple[Lineup, list[Refusal]]]:
    """Return every way to host the meeting, each with what speaks against it: all of that only with `outside_rules`.

    Raises OffGrid within a minute, and BeyondHorizon where not even hosts can book.
    """
    rules = rules_for(event_type, duration=duration, moving=moving)
    now = minute_from(asked_at) if asked_at else now_minute()
    minute = minute_of(start)
    # No date of a calendar is too far to look up.
    latest = now + (_FARTHEST_DAYS if outside_rules else rules.horizon_days) * DAY
    within_horizon = min(max(minute, now), latest)
    if outside_rules and minute > latest:
        raise BeyondHorizon
    ways = lineups(event_type, rules, begin=within_horizon, until=within_horizon, moving=moving, hold=hold)
    against = [refusals(rules, lineup.diaries, now=now, start=minute) for lineup in ways]
    judged = [
        (lineup, list(reasons if outside_rules else islice(reasons, 1)))
        for lineup, reasons in zip(ways, against, strict=True)
    ]
    if start != moment_of(minute) and any(not refused or outside_rules for _, refused in judged):
        raise OffGrid  # some seconds past a start that is offered
    return judged


def rules_for(event_type: Terms, *, duration: int | None = None, moving: Booking | None = None) -> Rules:
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


def chosen_duration(event_type: Terms, *, duration: int | None, moving: Booking | None = None) -> int:
    """Return how many minutes the meeting takes: as chosen, else as long as the booking that moves, else as usual.

    Raises InvalidInput naming `duration` when it is none of the event type's.
    """
    if duration is None:
        usual = moving.minutes if moving else event_type.duration
        return usual if usual in event_type.durations else event_type.duration
    if duration not in event_type.durations:
        lengths = ", ".join(map(str, event_type.durations))
        raise InvalidInput(
            [
                FieldError(
                    "duration", say("Please choose one of these lengths in minutes: %(lengths)s.", lengths=lengths)
                )
            ]
        )
    return duration
