"""Who can host a meeting, and what their diaries say: from the database into the slot engine's terms."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from uuid import UUID

from webapp.core.clock import find_zone
from webapp.identity.models import User
from webapp.scheduling import queries
from webapp.scheduling.minutes import DAY, moment_of
from webapp.scheduling.models import Booking, EventKind, EventType, Hold, Schedule
from webapp.scheduling.queries import Held
from webapp.scheduling.slots import Diary, Hours, Override, Rules, Span

# A meeting with both buffers takes no longer (1440 + 720 + 720 minutes).
_LONGEST = 2 * DAY


class Hosting(NamedTuple):
    """Somebody who hosts, and the hours they keep for it."""

    host: User
    schedule: Schedule


@dataclass(frozen=True, slots=True)
class Lineup:
    """One way to host a meeting: the hosts, all of whom have to be there, and their diaries.

    `begun` are the meetings of the event type that somebody has booked, by the UTC minute of their start.
    """

    hosts: tuple[User, ...]
    diaries: tuple[Diary, ...]
    begun: Mapping[int, Held]


def lineups(
    event_type: EventType,
    rules: Rules,
    *,
    begin: int,
    until: int,
    moving: Booking | None = None,
    hold: Hold | None = None,
    empty: bool = False,
) -> list[Lineup]:
    """Return every way to host a meeting that begins between two UTC minutes, both included.

    `moving` is a booking about to be moved: its own time does not count, and it stays with its host. Nor does that of
    the caller's own `hold`. With `empty`, nothing does: they are hosts as they would be if nobody had booked.
    """
    ways = _ways(event_type, moving)
    if empty:
        return [_lineup(event_type, way, {}) for way in ways]
    reach = _LONGEST + rules.limits.reach * DAY
    held: dict[UUID, list[Held]] = defaultdict(list)
    for meeting in queries.held_times(
        host_ids={hosting.host.id for way in ways for hosting in way},
        begin=moment_of(begin - reach),
        until=moment_of(until + reach),
        leaving=moving.meeting_id if moving else None,
        own_hold=hold.id if hold else None,
    ):
        held[meeting.host_id].append(meeting)
    return [_lineup(event_type, way, held) for way in ways]


def _ways(event_type: EventType, moving: Booking | None) -> list[list[Hosting]]:
    if not event_type.is_team:
        return [[Hosting(event_type.host, event_type.schedule)]]
    hosts = [Hosting(member.host, member.schedule) for member in event_type.team if member.host.is_active]
    if event_type.kind is not EventKind.ROUND_ROBIN:
        first = moving.host_id if moving else event_type.host_id
        return [sorted(hosts, key=lambda hosting: hosting.host.id != first)] if hosts else []
    same = [hosting for hosting in hosts if moving and hosting.host.id == moving.host_id]
    return [[hosting] for hosting in same or hosts]


def _lineup(event_type: EventType, way: Sequence[Hosting], held: Mapping[UUID, list[Held]]) -> Lineup:
    diaries = [_diary(event_type, hosting.schedule, held.get(hosting.host.id, [])) for hosting in way]
    meetings = (meeting for hosting in way for meeting in held.get(hosting.host.id, []))
    begun = {meeting.start: meeting for meeting in meetings if meeting.event_type_id == event_type.id}
    return Lineup(tuple(hosting.host for hosting in way), tuple(diaries), begun)


def _diary(event_type: EventType, schedule: Schedule, held: list[Held]) -> Diary:
    """Return the diary of one host: the hours of the schedule, and the meetings of theirs that were found."""
    own = [meeting for meeting in held if meeting.event_type_id == event_type.id]
    others = [meeting for meeting in held if meeting.event_type_id != event_type.id]
    return Diary(
        zone=find_zone(schedule.timezone),
        hours=tuple(Hours(hours.weekday, hours.start_minute, hours.end_minute) for hours in schedule.hours),
        overrides=_overrides(schedule),
        busy=[(meeting.blocked_from, meeting.blocked_until) for meeting in others],
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
