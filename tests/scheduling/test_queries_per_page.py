"""A page costs as many queries with many rows as with few: counted, for every page of scheduling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from flask import Flask

from tests.factories import bookings, event_type, member, schedule
from tests.scheduling.helpers import at, booked, counted_queries, in_days
from tests.scheduling.pages import Visitor
from webapp.core.db import session, transaction
from webapp.core.redis import cache_redis
from webapp.identity.models import Membership
from webapp.scheduling.models import DateOverride, EventHost, EventKind, EventType, Schedule, WeeklyHours
from webapp.scheduling.service.booking import manage_token

FEW = 3


@dataclass(frozen=True)
class Studio:
    """A host, an event type of theirs alone and one of a team, and a booking to look at."""

    host: Membership
    kind: EventType
    team: EventType
    hours: Schedule
    token: str
    booking: str

    def address(self, kind: EventType) -> str:
        return f"/book/{self.host.organization.slug}/{kind.slug}"


def _studio() -> Studio:
    host = member()
    hours = schedule(of=host)
    kind = event_type(of=host, on=hours)
    team = event_type(of=host, on=hours, kind=EventKind.ROUND_ROBIN)
    booking = booked(kind, at(10))
    studio = Studio(host, kind, team, hours, manage_token(booking), str(booking.id))
    _grow(studio, FEW, first=0)
    return studio


def _grow(studio: Studio, rows: int, *, first: int) -> None:
    """Add so many of everything that a page may list."""
    whose = {"organization_id": studio.host.organization_id}
    numbers = range(first, first + rows)
    for number in numbers:
        event_type(of=studio.host, on=studio.hours)
        start = at(0, days=number % 2) + timedelta(minutes=23 * 60 + 5 * number)  # tonight and tomorrow night
        bookings(of=studio.kind, starts=[start], minutes=5)
        mate = member(of=studio.host.organization)
        their_hours = schedule(of=mate)
        with transaction():
            team = {"event_type_id": studio.team.id, "host_id": mate.user_id, "schedule_id": their_hours.id}
            session().add(EventHost(**whose, **team))
            minutes = {"start_minute": 1040 + 2 * number, "end_minute": 1041 + 2 * number}
            session().add(DateOverride(schedule_id=studio.hours.id, day=in_days(20 + number), **minutes))
            session().add(WeeklyHours(schedule_id=studio.hours.id, weekday=6, **minutes))


PAGES: dict[str, Callable[[Studio], str]] = {
    "organisation": lambda studio: f"/book/{studio.host.organization.slug}",
    "event type": lambda studio: studio.address(studio.kind),
    "event type of a team": lambda studio: studio.address(studio.team),
    "form": lambda studio: (
        f"{studio.address(studio.kind)}/confirm?start={at(12):%Y-%m-%d}T12:00Z&timezone=Europe/Berlin"
    ),
    "slots": lambda studio: (
        f"/api/v1/public/{studio.host.organization.slug}/{studio.kind.slug}/slots"
        f"?start={in_days(1)}&end={in_days(30)}&timezone=Europe/Berlin"
    ),
    "manage": lambda studio: f"/manage/{studio.token}",
    "move": lambda studio: f"/manage/{studio.token}/reschedule",
    "cancel": lambda studio: f"/manage/{studio.token}/cancel",
    "today": lambda _: "/app",
    "bookings": lambda _: "/app/bookings?when=all",
    "booking": lambda studio: f"/app/bookings/{studio.booking}",
    "event types": lambda _: "/app/event-types",
    "edit an event type": lambda studio: f"/app/event-types/{studio.kind.id}",
    "edit that of a team": lambda studio: f"/app/event-types/{studio.team.id}",
    "availability": lambda _: "/app/availability",
    "report": lambda _: "/app/availability/report",
}


def _queries(visitor: Visitor, address: str) -> int:
    """Count what a page costs that nobody has looked at since the cache was emptied."""
    cache_redis().flushdb()
    with counted_queries() as statements:
        answer = visitor.client.get(address)
    assert answer.status_code == 200, (address, answer.status, answer.text[:500])
    return len(statements)


def test_a_page_costs_as_many_queries_with_four_times_as_many_rows(app: Flask) -> None:
    studio = _studio()
    host = Visitor(app).sign_in(studio.host)
    addresses = {page: address(studio) for page, address in PAGES.items()}
    few = {page: _queries(host, address) for page, address in addresses.items()}
    _grow(studio, 3 * FEW, first=FEW)

    assert {page: _queries(host, address) for page, address in addresses.items()} == few
    assert max(few.values()) <= 20
