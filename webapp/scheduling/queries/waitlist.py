"""Waitlists: who is in line, for what, and in which place."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, tuple_
from sqlalchemy.orm import contains_eager

from webapp.core import clock
from webapp.core.crypto import digest
from webapp.core.db import session
from webapp.core.errors import NotFound
from webapp.core.pagination import PAGE_SIZE, Cursor, Page
from webapp.core.scope import find_scoped, scoped
from webapp.core.words import say
from webapp.scheduling.models import IN_LINE, EventHost, EventType, Hold, OutOfOffice, WaitlistEntry, WaitStatus
from webapp.scheduling.queries.event_types import with_schedule


def entry_by_token(token: str) -> WaitlistEntry:
    """Return the place in line that this link's token opens; raises NotFound."""
    found = session().scalar(select(WaitlistEntry).where(WaitlistEntry.token_digest == digest(token)))
    if found is None:
        raise NotFound(say("There is no waitlist under this link. Please check that it was copied whole."))
    return found


def waitlist_entry(entry_id: UUID) -> WaitlistEntry:
    """Return the place in line with this id, of whatever organisation; raises NotFound. For jobs."""
    found = session().get(WaitlistEntry, entry_id, populate_existing=True)
    if found is None:
        raise NotFound
    return found


def get_waitlist_entry(organization_id: UUID, entry_id: UUID, *, host_id: UUID | None = None) -> WaitlistEntry:
    """Return a place in line at the organisation (for time of that host, if one is named); raises NotFound."""
    found = find_scoped(WaitlistEntry, organization_id=organization_id, id=entry_id)
    if host_id is not None and host_id not in {found.event_type.host_id, *(host.id for host in found.event_type.hosts)}:
        raise NotFound
    return found


def waitlist_page(
    *, organization_id: UUID, host_id: UUID | None = None, after: Cursor | None = None, limit: int = PAGE_SIZE
) -> Page[WaitlistEntry]:
    """Return one page of those in line, by what they wait for and then in their order; `host_id` limits to one host."""
    statement = scoped(WaitlistEntry, organization_id).join(WaitlistEntry.event_type)
    statement = statement.options(contains_eager(WaitlistEntry.event_type))
    statement = statement.where(WaitlistEntry.status.in_(IN_LINE))
    if host_id is not None:
        statement = statement.where(_hosted_by([host_id]))
    key = tuple_(WaitlistEntry.wanted_from, WaitlistEntry.id)
    if after is not None:
        statement = statement.where(key > tuple_(after.at, after.id))
    ordered = statement.order_by(WaitlistEntry.wanted_from, WaitlistEntry.id).limit(limit + 1)
    rows = session().scalars(ordered).all()
    last = rows[limit - 1] if len(rows) > limit else None
    return Page(rows[:limit], Cursor(last.wanted_from, last.id).encode() if last else None)


def waiting(*, host_ids: Collection[UUID]) -> list[WaitlistEntry]:
    """Return who waits for time of any of these hosts, also as a stand-in, first in line first, with all that slots are
    worked out from.

    They are read anew, since others may have been offered something meanwhile.
    """
    statement = (
        select(WaitlistEntry)
        .join(WaitlistEntry.event_type)
        .where(*_waits(), EventType.is_active, _may_be_hosted_by(host_ids))
        .options(contains_eager(WaitlistEntry.event_type).options(with_schedule()))
        .order_by(WaitlistEntry.id)
    )
    return list(session().scalars(statement, execution_options={"populate_existing": True}).unique())


def somebody_waits(*, host_ids: Collection[UUID]) -> bool:
    """True when somebody waits for time of any of these hosts, also as a stand-in."""
    statement = select(WaitlistEntry.id).join(WaitlistEntry.event_type).where(*_waits(), _may_be_hosted_by(host_ids))
    return session().scalar(statement.limit(1)) is not None


def waited_for() -> list[EventType]:
    """Return every event type, of whatever organisation, that somebody waits for. For jobs."""
    ids = select(WaitlistEntry.event_type_id).where(*_waits())
    return list(session().scalars(select(EventType).where(EventType.id.in_(ids)).order_by(EventType.id)))


def overdue_offers() -> list[UUID]:
    """Return the entries, of whatever organisation, whose offer has lapsed without an answer, first in line first."""
    overdue = (WaitlistEntry.status == WaitStatus.OFFERED, WaitlistEntry.offer_expires_at <= clock.now())
    return list(session().scalars(select(WaitlistEntry.id).where(*overdue).order_by(WaitlistEntry.id)))


def people_ahead(entry: WaitlistEntry) -> int:
    """Return how many wait for the same, or for some of it, and came before."""
    ahead = (
        WaitlistEntry.event_type_id == entry.event_type_id,
        WaitlistEntry.id < entry.id,
        WaitlistEntry.wanted_from < entry.wanted_until,
        WaitlistEntry.wanted_until > entry.wanted_from,
    )
    return session().scalar(select(func.count()).select_from(WaitlistEntry).where(*ahead, *_waits())) or 0


def hold_for(entry_id: UUID) -> Hold | None:
    """Return what keeps the time that somebody in line was offered; None when it is gone."""
    return session().scalar(select(Hold).where(Hold.waitlist_entry_id == entry_id))


def _waits() -> tuple[ColumnElement[bool], ...]:
    return WaitlistEntry.status == WaitStatus.WAITING, WaitlistEntry.wanted_until > clock.now()


def _hosted_by(host_ids: Collection[UUID]) -> ColumnElement[bool]:
    """Say of an event type that one of these hosts owns it or is of its team."""
    return or_(
        EventType.host_id.in_(host_ids),
        EventType.id.in_(select(EventHost.event_type_id).where(EventHost.host_id.in_(host_ids))),
    )


def _may_be_hosted_by(host_ids: Collection[UUID]) -> ColumnElement[bool]:
    """Say of an event type that one of these hosts does so, or stands in for who owns it, on whatever days."""
    stood_in_for = select(OutOfOffice.host_id).where(OutOfOffice.stand_in_id.in_(host_ids))
    return or_(_hosted_by(host_ids), EventType.host_id.in_(stood_in_for))
