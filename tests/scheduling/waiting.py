"""What the tests of waitlists say often."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update

from jobs.runtime import execute
from jobs.runtime.models import JobRun, RunState
from tests.conftest import Servers
from tests.factories import event_type
from tests.scheduling.helpers import at, booked
from webapp.core import clock
from webapp.core.db import session, transaction
from webapp.scheduling.models import Booking, EventType, Hold, Side, WaitlistEntry, WaitStatus
from webapp.scheduling.service import waitlist
from webapp.scheduling.service.booking import cancel
from webapp.scheduling.service.guests import Guest


def words_to(servers: Servers, address: str) -> str:
    """The latest mail to somebody, as plain text."""
    body = servers.smtp.to(address)[-1].get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def bookable(**changes: Any) -> EventType:
    """Something to book that keeps a waitlist."""
    return event_type(**({"waitlist_enabled": True} | changes))


def guest(name: str, zone: str = "Europe/Berlin") -> Guest:
    return Guest(name=name, email=f"{name.lower()}@example.com", timezone=zone)


def joined(
    kind: EventType, name: str, start: datetime | None = None, *, day: date | None = None, zone: str = "Europe/Berlin"
) -> WaitlistEntry:
    """Somebody in line for ten in two days, unless told otherwise."""
    with transaction():
        return waitlist.join(event_type=kind, guest=guest(name, zone), answers={}, wanted=day or start or at(10))


def tokens_of_a_line(kind: EventType, start: datetime, *, named: str = "Bea") -> list[str]:
    """The links of three in line for a start: who refused an offer, who has it now, and who waits."""
    mine = booked(kind, start)
    line = [joined(kind, f"{named}{number}", start) for number in range(3)]
    cancelled(mine)
    with transaction():
        waitlist.refuse(entry=line[0])
    return [waitlist.waitlist_token(entry) for entry in line]


def cancelled(booking: Booking) -> None:
    with transaction():
        cancel(booking=booking, by=Side.GUEST, reason="")


def work() -> list[str]:
    """Run what is due, and what follows from it, as a worker would; return the names of the jobs in their order."""
    done = []
    while run := _due():
        execute.run(run.id)
        done.append(run.name)
    return done


def _due() -> JobRun | None:
    waiting = (JobRun.state == RunState.WAITING, JobRun.run_at <= clock.now())
    with transaction():
        session().execute(update(JobRun).where(*waiting, JobRun.run_at > func.now()).values(run_at=func.now()))
        return session().scalar(select(JobRun).where(*waiting).order_by(JobRun.id).limit(1))


def status(entry: WaitlistEntry) -> WaitStatus:
    session().rollback()
    session().refresh(entry)
    return entry.status


def statuses(*entries: WaitlistEntry) -> list[str]:
    return [str(status(entry)) for entry in entries]


def count(kind: type[Any]) -> int | None:
    return session().scalar(select(func.count()).select_from(kind))


def live_offers() -> list[datetime]:
    """The starts that are held for somebody in line."""
    live = select(Hold.starts_at).where(Hold.waitlist_entry_id.is_not(None), Hold.expires_at > clock.now())
    return sorted(session().scalars(live))


TWO_HOURS = timedelta(hours=2)
MINUTE = timedelta(minutes=1)
