"""A week of several hosts at a glance: when each is open to guests, busy, or away."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from webapp.core.clock import find_zone
from webapp.identity.models import User
from webapp.identity.queries import active_members
from webapp.scheduling import queries
from webapp.scheduling.minutes import moment_of
from webapp.scheduling.models import OutOfOffice, Schedule
from webapp.scheduling.public_holidays import Holiday
from webapp.scheduling.service.absences import Absences, absences_between, away_span, dates_around, days_span
from webapp.scheduling.service.diaries import holidays_of, hours_of, overrides_of
from webapp.scheduling.slots import Diary, Span, open_spans
from webapp.scheduling.slots.spans import merge, within, without

DAYS = 7


class State(StrEnum):
    """What a host is doing: open to guests, busy with a meeting or a block, or away the whole day."""

    OPEN = "open"
    BUSY = "busy"
    AWAY = "away"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some time of a day in one state, in elapsed minutes from the day's beginning, and as instants (aware)."""

    state: State
    begin: int
    end: int
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class HostDay:
    """A date of the reader's zone in one host's week; it has `minutes` of them, for clocks may change.

    `off` are the holidays on which the host is off.
    """

    day: date
    minutes: int
    stretches: Sequence[Stretch]
    off: Sequence[Holiday]

    @property
    def why(self) -> Sequence[str]:
        """The holidays' names for programs, which are English."""
        return list(dict.fromkeys(holiday.name for holiday in self.off))


@dataclass(frozen=True, slots=True)
class HostWeek:
    """One host's week, and the days out of office that lie in it."""

    host: User
    days: Sequence[HostDay]
    absences: Sequence[OutOfOffice]


@dataclass(frozen=True, slots=True)
class _Found:
    """What was read of everybody."""

    schedules: dict[UUID, Schedule]
    absences: Absences
    meetings: Mapping[UUID, Sequence[Span]]


def team_week(
    *, organization_id: UUID, first: date, zone: ZoneInfo, only: Collection[UUID] | None = None
) -> list[HostWeek]:
    """Return the seven days from `first`, as dates of `zone`, of the active members (of `only` those, if given).

    The hours are those of each one's default schedule. However many they are, it costs the same number of queries.
    """
    members = [member.user for member in active_members(organization_id)]
    hosts = [user for user in members if only is None or user.id in only]
    days = [first + timedelta(days=after) for after in range(DAYS)]
    spans = [days_span(zone, day, day) for day in days]
    found = _read(organization_id, {host.id for host in hosts}, spans[0][0], spans[-1][1])
    return [_week(organization_id, host, list(zip(days, spans, strict=True)), found) for host in hosts]


def _read(organization_id: UUID, host_ids: set[UUID], begin: int, until: int) -> _Found:
    return _Found(
        queries.default_schedules(organization_id=organization_id, host_ids=host_ids),
        absences_between(host_ids, begin=begin, until=until),
        queries.meeting_times(host_ids=host_ids, begin=moment_of(begin), until=moment_of(until)),
    )


def _week(organization_id: UUID, host: User, days: Sequence[tuple[date, Span]], found: _Found) -> HostWeek:
    begin, until = days[0][1][0], days[-1][1][1]
    schedule = found.schedules.get(host.id)
    away = merge(found.absences.away.get(host.id, ()))
    off = days_off(schedule, begin, until)
    meetings = found.meetings.get(host.id, ())
    busy = merge([*meetings, *without(found.absences.blocked.get(host.id, ()), away)])
    opened = list(without(_open(schedule, begin, until), merge([*away, *busy])))
    off_or_away = merge([*away, *(span for span, _holiday in off)])
    states = {
        State.OPEN: opened,
        State.BUSY: busy,
        State.AWAY: list(without(off_or_away, merge([*meetings, *opened]))),
    }
    return HostWeek(
        host,
        [_day(day, span, states, [each for off_at, each in off if any(within([off_at], *span))]) for day, span in days],
        [
            absence
            for absence in found.absences.out_of_office
            if (absence.host_id, absence.organization_id) == (host.id, organization_id)  # what others noted is theirs
            and begin < away_span(absence)[1]
            and away_span(absence)[0] < until
        ],
    )


def _day(day: date, span: Span, states: dict[State, list[Span]], off: Sequence[Holiday]) -> HostDay:
    begin, until = span
    stretches = [
        Stretch(state, start - begin, end - begin, moment_of(start), moment_of(end))
        for state, spans in states.items()
        for start, end in within(merge(spans), begin, until)
    ]
    return HostDay(day, until - begin, sorted(stretches, key=lambda stretch: stretch.begin), off)


def _open(schedule: Schedule | None, begin: int, until: int) -> list[Span]:
    """Return when the schedule is open between two UTC minutes."""
    if schedule is None:
        return []
    diary = Diary(find_zone(schedule.timezone), hours_of(schedule), overrides_of(schedule, *dates_around(begin, until)))
    return list(within(merge(open_spans(diary, begin, until)), begin, until))


def days_off(schedule: Schedule | None, begin: int, until: int) -> list[tuple[Span, Holiday]]:
    """Return the days off of the schedule's country between two UTC minutes, and when each of them is."""
    if schedule is None:
        return []
    zone = find_zone(schedule.timezone)
    found = holidays_of(schedule, *dates_around(begin, until))
    return [(days_span(zone, holiday.day, holiday.day), holiday) for holiday in found]
