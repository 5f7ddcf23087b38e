"""The studio that the slots are worked out for: hosts with full diaries, one who takes guests alone, and a team."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text

from webapp.core import clock
from webapp.core.db import db, session, transaction, uuid7
from webapp.identity.models import Membership, Organization, Role, User
from webapp.scheduling.models import EventHost, EventKind, EventType, Schedule, WeeklyHours

ZONE = ZoneInfo("Europe/Berlin")
GUEST_ZONE = ZoneInfo("America/New_York")
DAYS = 31
OPENS, CLOSES = 8, 20  # o'clock, every day
EVENTS = 500

_EVENT = timedelta(minutes=30)
_COLUMNS = {
    "booking": (
        *("id", "organization_id", "event_type_id", "host_id", "meeting_id", "status", "starts_at", "ends_at"),
        *("guest_name", "guest_email", "guest_timezone", "manage_digest"),
    ),
    "meeting": ("id", "organization_id", "event_type_id", "starts_at", "ends_at"),
    "host_time": (
        *("id", "organization_id", "event_type_id", "host_id", "meeting_id"),
        *("blocked_from", "blocked_until", "apart_from", "apart_until"),
    ),
    "booking_change": ("id", "organization_id", "booking_id", "happened_at", "what", "actor", "details"),
    "job_run": ("id", "name", "queue", "lane", "arguments", "state", "run_at", "attempt", "started_at", "finished_at"),
    "delivery": (
        *("id", "organization_id", "idempotency_key", "channel", "template", "recipient", "status", "message_id"),
        "sent_at",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Studio:
    """What can be booked: `alone` with one host, `team` with whoever of the team is free."""

    alone: EventType
    team: EventType
    first: date
    last: date


def fill(*, hosts: int) -> Studio:
    """Write a studio with so many hosts, each of whom has EVENTS half-hour events within the DAYS from tomorrow on."""
    first = clock.now().astimezone(ZONE).date() + timedelta(days=1)
    with transaction():
        organization = Organization(slug="bench", name="Bench", timezone=ZONE.key)
        session().add(organization)
        schedules = [add_host(organization, number) for number in range(hosts)]
        other = add_event_type(organization, schedules[0], "other")
        alone = add_event_type(organization, schedules[0], "alone")
        team = add_event_type(organization, schedules[0], "team", kind=EventKind.ROUND_ROBIN)
        for schedule in schedules:
            whose = {"organization_id": organization.id, "host_id": schedule.host_id}
            session().add(EventHost(event_type_id=team.id, schedule_id=schedule.id, **whose))
        session().flush()
        for number, schedule in enumerate(schedules):
            _fill_diary(other, schedule.host_id, first, random.Random(number))
    db.session.execute(text("ANALYZE"))
    db.session.commit()
    return Studio(alone=alone, team=team, first=first, last=first + timedelta(days=DAYS - 1))


def add_host(organization: Organization, number: int) -> Schedule:
    """Add somebody who takes guests at the same hours every day; return these hours."""
    user = User(email=f"host{number}@example.com", name=f"Host {number}", password_hash="-", timezone=ZONE.key)
    session().add(user)
    session().flush()
    session().add(Membership(organization_id=organization.id, user_id=user.id, role=Role.MEMBER))
    hours = [WeeklyHours(weekday=day, start_minute=OPENS * 60, end_minute=CLOSES * 60) for day in range(7)]
    schedule = Schedule(organization_id=organization.id, host_id=user.id, name="Hours", timezone=ZONE.key, hours=hours)
    session().add(schedule)
    session().flush()
    return schedule


def add_event_type(
    organization: Organization, schedule: Schedule, slug: str, kind: EventKind = EventKind.ONE_TO_ONE
) -> EventType:
    """Add half an hour that can be booked every quarter of an hour."""
    event_type = EventType(
        organization_id=organization.id,
        host_id=schedule.host_id,
        schedule_id=schedule.id,
        slug=slug,
        name=slug.title(),
        kind=kind,
        duration=30,
        slot_interval=15,
        minimum_notice=0,
        horizon_days=60,
    )
    session().add(event_type)
    session().flush()
    return event_type


def _fill_diary(event_type: EventType, host_id: UUID, first: date, chance: random.Random) -> None:
    starts = _starts(first, chance)
    meetings = [(uuid7(), event_type.organization_id, event_type.id, start, start + _EVENT) for start in starts]
    times = [
        (uuid7(), event_type.organization_id, event_type.id, host_id, meeting, start, end, start, end)
        for meeting, _organization, _event_type, start, end in meetings
    ]
    copy_rows("meeting", meetings)
    copy_rows("host_time", times)


def copy_rows(table: str, rows: Iterable[tuple[object, ...]]) -> None:
    """Write rows by COPY, since there are tens of thousands."""
    cursor = session().connection().connection.cursor()
    with cursor.copy(f"COPY {table} ({', '.join(_COLUMNS[table])}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _starts(first: date, chance: random.Random) -> list[datetime]:
    """Draw EVENTS of the half-hours in the hours of all days, each day as full as the others or by one fuller."""
    days = [first + timedelta(days=number) for number in range(DAYS)]
    fuller = set(chance.sample(days, EVENTS % DAYS))
    return [start for day in days for start in _of_day(day, EVENTS // DAYS + (day in fuller), chance)]


def _of_day(day: date, events: int, chance: random.Random) -> Iterator[datetime]:
    opens = datetime.combine(day, time(OPENS), ZONE).astimezone(UTC)
    for half_hour in chance.sample(range((CLOSES - OPENS) * 2), events):
        yield opens + half_hour * _EVENT
