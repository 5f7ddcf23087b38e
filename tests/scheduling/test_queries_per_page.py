"""A page costs as many queries with many rows as with few: counted, for every page of scheduling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Flask

from tests.factories import bookings, event_type, member, schedule
from tests.scheduling.helpers import at, booked, counted_queries, in_days
from tests.scheduling.pages import Visitor
from tests.scheduling.waiting import joined
from webapp.core.db import session, transaction
from webapp.core.redis import cache_redis
from webapp.identity.models import Membership
from webapp.scheduling.models import DateOverride, EventHost, EventKind, EventType, Schedule, WeeklyHours
from webapp.scheduling.service.blocks import BlockDetails, RecurringDetails, block_recurring, block_time
from webapp.scheduling.service.booking import manage_token
from webapp.scheduling.service.links import create_link
from webapp.scheduling.service.out_of_office import AwayDetails, be_away
from webapp.scheduling.service.waitlist import waitlist_token
from webapp.scheduling.views.picker import start_value

FEW = 3


@dataclass(frozen=True)
class Studio:
    """A host, an event type of theirs alone and one of a team, and a booking to look at."""

    host: Membership
    kind: EventType
    team: EventType
    hours: Schedule
    waited: EventType
    token: str
    booking: str
    waiting: str

    def address(self, kind: EventType) -> str:
        return f"/book/{self.host.organization.slug}/{kind.slug}"


def _studio() -> Studio:
    host = member()
    hours = schedule(of=host)
    kind = event_type(of=host, on=hours)
    team = event_type(of=host, on=hours, kind=EventKind.ROUND_ROBIN)
    waited = event_type(of=host, on=hours, waitlist_enabled=True)
    booking = booked(kind, at(10))
    booked(waited, at(11))
    place = waitlist_token(joined(waited, "Bea", at(11)))
    studio = Studio(host, kind, team, hours, waited, manage_token(booking), str(booking.id), place)
    _grow(studio, FEW, first=0)
    return studio


def _grow(studio: Studio, rows: int, *, first: int) -> None:
    """Add so many of everything that a page may list."""
    whose = {"organization_id": studio.host.organization_id}
    numbers = range(first, first + rows)
    for number in numbers:
        _keep_free(studio, number)
        joined(studio.waited, f"Cy{number}", at(11))
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


def _keep_free(studio: Studio, number: int) -> None:
    """Add a block of either kind, a day out of office and a link that books once."""
    whose: dict[str, Any] = {"organization_id": studio.host.organization_id, "host_id": studio.host.user_id}
    zone, day = "Europe/Berlin", in_days(40 + number)
    begins = at(8, number)
    again: dict[str, Any] = {"first_day": day, "start_minute": number, "end_minute": number + 1, "rule": "FREQ=WEEKLY"}
    with transaction():
        details = BlockDetails(timezone=zone, starts_at=begins, ends_at=begins + timedelta(minutes=1))
        block_time(**whose, details=details)
        block_recurring(**whose, details=RecurringDetails(timezone=zone, **again))
        be_away(**whose, details=AwayDetails(timezone=zone, first_day=day, last_day=day))
        create_link(event_type=studio.kind, created_by=studio.host.user_id)


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
    "week": lambda _: "/app/calendar?view=week",
    "everybody's month": lambda _: "/app/calendar?view=month&host=all",
    "website": lambda _: "/app/website",
    "availability": lambda _: "/app/availability",
    "report": lambda _: "/app/availability/report",
    "event type with a waitlist": lambda studio: studio.address(studio.waited),
    "join a waitlist": lambda studio: f"{studio.address(studio.waited)}/waitlist?start={start_value(at(11))}",
    "place in line": lambda studio: f"/waitlist/{studio.waiting}",
    "those in line": lambda _: "/app/bookings/waitlist",
    "blocks": lambda _: "/app/availability/blocks",
    "days off": lambda _: "/app/availability/days-off",
    "holidays": lambda studio: f"/app/availability/days-off/holidays/{studio.hours.id}",
    "links": lambda studio: f"/app/event-types/{studio.kind.id}/links",
    "what to book for a guest": lambda _: "/app/bookings/new",
    "when to book for a guest": lambda studio: f"/app/bookings/new/{studio.kind.id}",
    "book for a guest": lambda studio: f"/app/bookings/new/{studio.kind.id}?start={start_value(at(15))}",
    "move as host": lambda studio: f"/app/bookings/{studio.booking}/reschedule",
    "widget": lambda studio: studio.address(studio.kind).replace("/book/", "/embed/"),
}


def _queries(visitor: Visitor, address: str) -> int:
    """Count what a page costs that nobody has looked at since the cache was emptied.

    Those with a month are asked for one with free times: at the end of one without any they look into the next.
    """
    cache_redis().flushdb()
    with counted_queries() as statements:
        answer = visitor.client.get(f"{address}{'&' if '?' in address else '?'}day={in_days(2)}")
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
