"""Things to test with, made the short way: `host()` is a person of an organisation, `event_type()` bookable at once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cache
from itertools import count
from typing import Any, TypeVar

from webapp.core.db import session, transaction
from webapp.identity.models import Membership, Organization, Role, User
from webapp.scheduling.models import Booking, BookingStatus, EventType, HostTime, Meeting, Schedule, WeeklyHours

T = TypeVar("T")

PASSWORD = "correct horse battery staple"
_numbers = count(1)


def organization(**changes: Any) -> Organization:
    number = next(_numbers)
    values = {"slug": f"studio-{number}", "name": f"Studio {number}", "timezone": "Europe/Berlin"} | changes
    return _kept(Organization(**values))


def member(*, of: Organization | None = None, role: Role = Role.OWNER, **changes: Any) -> Membership:
    """A person with the password PASSWORD, and their place in an organisation."""
    number = next(_numbers)
    values = {
        "email": f"person{number}@example.com",
        "name": f"Person {number}",
        "password_hash": _password_hash(),
        "timezone": "Europe/Berlin",
    } | changes
    user = _kept(User(**values))
    place = of or organization()
    return _kept(Membership(organization_id=place.id, user_id=user.id, role=role, organization=place, user=user))


@cache
def _password_hash() -> str:
    """Hashed once: Argon2 takes its time on purpose."""
    from webapp.identity.service import hash_password  # needs the settings, which the servers' fixture makes

    return hash_password(PASSWORD)


def schedule(*, of: Membership, zone: str = "Europe/Berlin", days: range = range(7)) -> Schedule:
    """Open from 09:00 to 17:00 on `days` (Monday = 0)."""
    hours = [WeeklyHours(weekday=day, start_minute=9 * 60, end_minute=17 * 60) for day in days]
    return _kept(
        Schedule(organization_id=of.organization_id, host_id=of.user_id, name="Hours", timezone=zone, hours=hours)
    )


def event_type(*, of: Membership | None = None, on: Schedule | None = None, **changes: Any) -> EventType:
    """Thirty minutes, every day from nine to five, without notice or buffers."""
    host = of or member()
    place = on or schedule(of=host)
    number = next(_numbers)
    values = {
        "organization_id": host.organization_id,
        "host_id": host.user_id,
        "schedule_id": place.id,
        "slug": f"talk-{number}",
        "name": f"Talk {number}",
        "duration": 30,
        "slot_interval": 30,
        "minimum_notice": 0,
        "horizon_days": 60,
        "location": "Room 1",
    } | changes
    return _kept(EventType(**values))


def booking(*, of: EventType, start: datetime, minutes: int = 30, **changes: Any) -> Booking:
    """A guest's place in a meeting of its own, written straight into the database: at any time, past ones too."""
    return bookings(of=of, starts=[start], minutes=minutes, **changes)[0]


def bookings(*, of: EventType, starts: Iterable[datetime], minutes: int = 30, **changes: Any) -> list[Booking]:
    made = [_booking(of, start, minutes, changes) for start in starts]
    with transaction():
        session().add_all(row for rows in made for row in rows)
    return [place for place, _meeting in made]


def _booking(of: EventType, start: datetime, minutes: int, changes: dict[str, Any]) -> tuple[Booking, Meeting]:
    number, end = next(_numbers), start + timedelta(minutes=minutes)
    whose = {"organization_id": of.organization_id, "event_type_id": of.id}
    host = HostTime(
        **whose, host_id=of.host_id, blocked_from=start, blocked_until=end, apart_from=start, apart_until=end
    )
    meeting = Meeting(**whose, starts_at=start, ends_at=end, hosts=[host])
    values = {
        "host_id": of.host_id,
        "meeting_id": meeting.id,
        "status": BookingStatus.CONFIRMED,
        "starts_at": start,
        "ends_at": end,
        "guest_name": f"Guest {number:03}",
        "guest_email": f"guest{number}@example.org",
        "guest_timezone": "America/New_York",
        "manage_digest": f"{number:064}",
    } | changes
    return Booking(**whose, **values), meeting


def _kept(thing: T) -> T:
    with transaction():
        session().add(thing)
    return thing
