"""Who can host a meeting, and what their diaries say: from the database into the slot engine's terms."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from webapp.core.clock import find_zone
from webapp.identity.models import User
from webapp.scheduling import queries
from webapp.scheduling.minutes import DAY, moment_of, now_minute
from webapp.scheduling.models import Booking, EventKind, EventType, Hold, OutOfOffice, Schedule
from webapp.scheduling.public_holidays import Holiday, holidays_between
from webapp.scheduling.queries import NOTHING_GONE, Gone, Held
from webapp.scheduling.service.absences import Absences, absences_between, away_span, dates_around
from webapp.scheduling.slots import Diary, Hours, Override, Rules, Span
from webapp.scheduling.slots.spans import merge, within

# A meeting with both buffers takes no longer (1440 + 720 + 720 minutes).
LONGEST_MEETING = 2 * DAY


class Hosting(NamedTuple):
    """Somebody who hosts, and the hours they keep for it."""

    host: User
    schedule: Schedule


@dataclass(frozen=True, slots=True)
class Lineup:
    """One way to host a meeting: the hosts, all of whom have to be there, and their diaries.

    `begun` are the meetings of the event type that somebody has booked, by the UTC minute of their start. Who
    `stands_in` does so while the host is away, as the last of the diaries says.
    """

    hosts: tuple[User, ...]
    diaries: tuple[Diary, ...]
    begun: Mapping[int, Held]
    stands_in: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """What lineups are made of: what is to be booked, around which dates, and what of the hosts' time is gone."""

    event_type: EventType
    dates: tuple[date, date]
    absences: Absences
    gone: Gone = NOTHING_GONE


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
    the caller's own `hold`. With `empty`, no booking and no hold does: they are hosts as they would be if nobody had
    booked.
    """
    ways = _ways(event_type, moving)
    host_ids = {hosting.host.id for way in ways for hosting in way}
    absences = absences_between(host_ids, begin=begin - LONGEST_MEETING, until=until + LONGEST_MEETING)
    instead = _stand_ins(event_type, absences)
    reach = reach_of(rules)
    gone = NOTHING_GONE
    if not empty:
        gone = queries.held_times(
            host_ids=host_ids | {hosting.host.id for hosting, _absence in instead},
            event_type_id=event_type.id,
            begin=moment_of(begin - reach),
            until=moment_of(until + reach),
            leaving=moving.meeting_id if moving else None,
            own_hold=hold.id if hold else None,
        )
    asked = Asked(event_type, dates_around(begin - LONGEST_MEETING, until + LONGEST_MEETING), absences, gone)
    return [
        *(_lineup(asked, way) for way in ways),
        *(
            _lineup(asked, [hosting], only=_open_during(asked, absence, but=[before for _, before in instead[:number]]))
            for number, (hosting, absence) in enumerate(instead)
        ),
    ]


def lasts_until(event_type: EventType, rules: Rules, *, begin: int, until: int) -> datetime | None:
    """Return when something ends by itself that takes time of those in `lineups`; None when nothing does."""
    reach = reach_of(rules)
    hosts = {host.id for host in event_type.hosts}
    return queries.next_expiry(host_ids=hosts, begin=moment_of(begin - reach), until=moment_of(until + reach))


def reach_of(rules: Rules) -> int:
    """Return how many minutes away something can take place that decides whether a meeting may begin."""
    return LONGEST_MEETING + rules.limits.reach * DAY


def possible_hosts(event_type: EventType) -> set[UUID]:
    """Return everybody who may come to host a meeting of the event type: its hosts, and who stands in for one."""
    hosts = {host.id for host in event_type.hosts}
    if event_type.kind is not EventKind.ONE_TO_ONE:
        return hosts
    from_now_on, _last = dates_around(now_minute(), now_minute())
    absences = queries.absences_of(host_ids=hosts, first=from_now_on, last=date.max)
    return hosts | {absence.stand_in_id for absence in absences if absence.stand_in_id and absence.host_id in hosts}


def _stand_ins(event_type: EventType, absences: Absences) -> list[tuple[Hosting, OutOfOffice]]:
    """Return who hosts a one-to-one event type while its host is away, each by the default of their own schedules.

    The absence that begins first comes first.
    """
    if event_type.kind is not EventKind.ONE_TO_ONE:
        return []
    covered = [
        (absence, absence.stand_in)
        for absence in absences.out_of_office
        if absence.stand_in
        and (absence.host_id, absence.organization_id) == (event_type.host_id, event_type.organization_id)
    ]
    if not covered:
        return []
    schedules = queries.default_schedules(
        organization_id=event_type.organization_id, host_ids={stand_in.id for _absence, stand_in in covered}
    )
    return [
        (Hosting(stand_in, schedules[stand_in.id]), absence)
        for absence, stand_in in sorted(covered, key=lambda cover: cover[0].first_day)
        if stand_in.id in schedules
    ]


def _ways(event_type: EventType, moving: Booking | None) -> list[list[Hosting]]:
    if not event_type.is_team:
        return [[Hosting(host, event_type.schedule)] for host in event_type.hosts]
    hosts = [Hosting(member.host, member.schedule) for member in event_type.team if member.host.is_active]
    if event_type.kind is not EventKind.ROUND_ROBIN:
        first = moving.host_id if moving else event_type.host_id
        return [sorted(hosts, key=lambda hosting: hosting.host.id != first)] if hosts else []
    same = [hosting for hosting in hosts if moving and hosting.host.id == moving.host_id]
    return [[hosting] for hosting in same or hosts]


def _lineup(asked: Asked, way: Sequence[Hosting], *, only: Diary | None = None) -> Lineup:
    """Return the lineup of these hosts, who stand in for another one where that diary `only` is open."""
    diaries = [diary_of(asked, hosting) for hosting in way] + ([only] if only else [])
    hosts = tuple(hosting.host for hosting in way)
    begun = {meeting.start: meeting for host in hosts for meeting in asked.gone.own.get(host.id, ())}
    return Lineup(hosts, tuple(diaries), begun, stands_in=only is not None)


def diary_of(asked: Asked, hosting: Hosting) -> Diary:
    """Return the diary of one host: the hours of the schedule, and all of theirs that was found.

    A meeting that takes place anyway can be joined unless its host has blocked that time since.
    """
    host_id, schedule = hosting.host.id, hosting.schedule
    own, blocked = asked.gone.own.get(host_id, ()), merge(asked.absences.gone(host_id))
    return Diary(
        zone=find_zone(schedule.timezone),
        hours=hours_of(schedule),
        overrides=overrides_of(schedule, *asked.dates),
        busy=asked.gone.busy.get(host_id, ()),
        own=[(meeting.apart_from, meeting.apart_until) for meeting in own],
        starts=[meeting.start for meeting in own],
        joinable=[
            meeting.start
            for meeting in own
            if meeting.seats_left > 0 and not any(within(blocked, meeting.start, meeting.end))
        ],
        blocked=blocked,
    )


def _open_during(asked: Asked, absence: OutOfOffice, *, but: Sequence[OutOfOffice]) -> Diary:
    """Return a diary that is open on the days of an absence, and on no others.

    Where days of the absences before it, `but` in another zone, are not over yet, it is theirs: nobody has two.
    """
    first, last = max(absence.first_day, asked.dates[0]), min(absence.last_day, asked.dates[1])
    days = map(date.fromordinal, range(first.toordinal(), last.toordinal() + 1))
    open_days = tuple(Override(day, ((0, DAY),)) for day in days)
    return Diary(find_zone(absence.timezone), (), open_days, blocked=merge(map(away_span, but)))


def hours_of(schedule: Schedule) -> tuple[Hours, ...]:
    """Return the weekly hours."""
    return tuple(Hours(hours.weekday, hours.start_minute, hours.end_minute) for hours in schedule.hours)


def overrides_of(schedule: Schedule, first: date, last: date) -> tuple[Override, ...]:
    """Return what differs from the weekly hours: the single dates, and the public holidays on `first`..`last`."""
    closed = holidays_of(schedule, first, last)
    return (*(Override(holiday.day, ()) for holiday in closed), *_single_dates(schedule))


def holidays_of(schedule: Schedule, first: date, last: date) -> list[Holiday]:
    """Return the public holidays on `first`..`last` that close the schedule; those with hours of their own do not."""
    if schedule.holiday_country is None:
        return []
    single = {row.day for row in schedule.overrides}
    found = holidays_between(schedule.holiday_country, schedule.holiday_subdivision, first=first, last=last)
    return [holiday for holiday in found if holiday.day not in single and holiday.name not in schedule.worked_holidays]


def _single_dates(schedule: Schedule) -> tuple[Override, ...]:
    """Gather the rows of a date into one override; the row of a closed day has an empty range, which opens nothing."""
    ranges: dict[date, list[Span]] = defaultdict(list)
    for row in schedule.overrides:
        ranges[row.day] += [(row.start_minute, row.end_minute)] if row.end_minute else []
    return tuple(Override(day, tuple(spans)) for day, spans in ranges.items())
