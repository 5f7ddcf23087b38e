"""What Almanac's slots are compared with: the way it is done when nobody looks at the clock.

Events are read host by host; each candidate is a datetime that is moved from zone to zone, and is held
against every event of its host. It knows neither limits nor buffers nor seats, which the bench does not use, and is
right for the bench's data: the answers of both are compared before anything is measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select

from webapp.core import clock
from webapp.core.db import session
from webapp.scheduling.models import EventType, HostTime, Schedule

Event = tuple[datetime, datetime]

_NEXT_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class HostWithEvents:
    """One host: the rows of their schedule, and their events."""

    schedule: Schedule
    events: Sequence[Event]


def read(event_type: EventType, *, first: date, last: date) -> list[HostWithEvents]:
    """Return the hosts of the event type with their events around the dates: two queries for each."""
    schedules = [host.schedule for host in event_type.team] if event_type.is_team else [event_type.schedule]
    return [HostWithEvents(schedule=schedule, events=_events(schedule, first, last)) for schedule in schedules]


def _events(schedule: Schedule, first: date, last: date) -> Sequence[Event]:
    begin, end = (datetime.combine(day, time(), UTC) for day in (first - timedelta(days=2), last + timedelta(days=3)))
    rows = select(HostTime.blocked_from, HostTime.blocked_until).where(
        HostTime.host_id == schedule.host_id, HostTime.blocked_until > begin, HostTime.blocked_from < end
    )
    return [(begins, ends) for begins, ends in session().execute(rows)]


def offered(
    event_type: EventType, hosts: Sequence[HostWithEvents], *, first: date, last: date, zone: ZoneInfo
) -> list[datetime]:
    """Return every start on the guest's dates at which one of the hosts is free, in the guest's zone."""
    found: set[datetime] = set()
    for host in hosts:
        for start in _candidates(event_type, host.schedule, first, last):
            shown = start.astimezone(zone)
            if first <= shown.date() <= last and start > clock.now() and _is_free(event_type, host, start):
                found.add(shown)
    return sorted(found)


def _candidates(event_type: EventType, schedule: Schedule, first: date, last: date) -> Iterator[datetime]:
    day, place = first - _NEXT_DAY, ZoneInfo(schedule.timezone)
    while day <= last + _NEXT_DAY:
        for hours in schedule.hours:
            if hours.weekday == day.weekday():
                yield from _in_hours(event_type, day, hours.start_minute, hours.end_minute, place)
        day += _NEXT_DAY


def _in_hours(event_type: EventType, day: date, opens: int, closes: int, place: ZoneInfo) -> Iterator[datetime]:
    midnight = datetime.combine(day, time(), place)
    start = (midnight + timedelta(minutes=opens)).astimezone(UTC)
    while start + timedelta(minutes=event_type.duration) <= midnight + timedelta(minutes=closes):
        yield start
        start += timedelta(minutes=event_type.slot_interval)


def _is_free(event_type: EventType, host: HostWithEvents, start: datetime) -> bool:
    end = start + timedelta(minutes=event_type.duration)
    return not any(begins < end and start < ends for begins, ends in host.events)
