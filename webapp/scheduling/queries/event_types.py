"""What can be booked, as guests and members see it."""

from __future__ import annotations

import hmac
from collections.abc import Collection
from uuid import UUID

from sqlalchemy import BindParameter, bindparam, or_, select
from sqlalchemy.orm import contains_eager, joinedload, selectinload
from sqlalchemy.orm.strategy_options import _AbstractLoad  # what its own methods take and return

from webapp.core.db import session
from webapp.core.errors import NotFound
from webapp.core.scope import find_scoped, scoped
from webapp.core.words import is_slug, say
from webapp.identity.models import Organization
from webapp.scheduling.models import EventHost, EventType, Schedule
from webapp.scheduling.queries.links import find_booking_link

# What can be booked at one `address`, with the organisation joined.
AT_ADDRESS = (
    Organization.slug == bindparam("organization_slug"),
    EventType.slug == bindparam("event_type_slug"),
    EventType.is_active,
)


def with_schedule() -> _AbstractLoad:
    """Load the schedule with its hours and overrides, so that slots can be worked out without another query."""
    return joinedload(EventType.schedule, innerjoin=True)


def with_team() -> _AbstractLoad:
    """Load who hosts, without the hours that they keep."""
    return selectinload(EventType.team).lazyload(EventHost.schedule)


def public_organization(slug: str) -> Organization:
    """Return the organisation with this address; raises NotFound."""
    found = session().scalar(select(Organization).where(Organization.slug == _slug(slug)))
    if found is None:
        raise NotFound(say("There is no organisation at this address."))
    return found


def public_event_type(organization_slug: str, slug: str, *, link: str = "") -> EventType:
    """Return what can be booked at this address.

    `link` is the code of a secret link or the token of one that books once. Raises NotFound, also when it is switched
    off, when the link is none of its own, and for a secret one without a link.
    """
    found = session().scalar(_PUBLIC, address(organization_slug, slug))
    if found is None or not _opens(found, link):
        raise NotFound(say("There is nothing to book at this address."))
    return found


def _opens(event_type: EventType, link: str) -> bool:
    if not link:
        return not event_type.is_secret
    is_code = hmac.compare_digest(link.encode(), event_type.secret_code.encode())
    return is_code or find_booking_link(event_type.id, link) is not None


def public_event_types(organization_slug: str) -> list[EventType]:
    """Return what can be booked with the organisation, oldest first; without secret ones.

    Empty also when there is no such organisation.
    """
    statement = (
        select(EventType)
        .join(EventType.organization)
        .where(Organization.slug == _slug(organization_slug), EventType.is_active, ~EventType.is_secret)
        .options(contains_eager(EventType.organization), with_team())
        .order_by(EventType.id)
    )
    return list(session().scalars(statement))


def address(organization_slug: str, slug: str) -> dict[str, str]:
    """Return what `AT_ADDRESS` asks for; raises NotFound when nothing can be at such an address."""
    return {"organization_slug": _slug(organization_slug), "event_type_slug": _slug(slug)}


def _slug(text: str) -> str:
    if not is_slug(text):
        raise NotFound
    return text


def get_event_type(organization_id: UUID, event_type_id: UUID, *, host_id: UUID | None = None) -> EventType:
    """Return an event type of the organisation (of that host, if one is named), schedule loaded; raises NotFound."""
    found = find_scoped(EventType, organization_id=organization_id, id=event_type_id, options=(with_schedule(),))
    if host_id is not None and found.host_id != host_id:
        raise NotFound
    return found


def read_again(event_type: EventType) -> EventType:
    """Return it with what it offers, who hosts it and when they work read anew, whatever was read of it before."""
    options = [with_schedule()]
    if event_type.is_team:
        options.append(selectinload(EventType.team).selectinload(EventHost.schedule))
    statement = select(EventType).where(EventType.id == event_type.id).options(*options)
    session().scalars(statement, execution_options={"populate_existing": True}).one_or_none()
    return event_type


def event_types(*, organization_id: UUID, host_id: UUID | None = None) -> list[EventType]:
    """Return the organisation's event types (of that host, if one is named), switched off ones too, oldest first."""
    statement = scoped(EventType, organization_id).options(with_team()).order_by(EventType.id)
    if host_id is not None:
        statement = statement.where(EventType.host_id == host_id)
    return list(session().scalars(statement))


def active_event_types(*, host_ids: Collection[UUID]) -> list[EventType]:
    """Return what can be booked, with any organisation, of what these people own or are in the team of."""
    return list(session().scalars(_CONCERNED, {"host_ids": list(host_ids)}))


def organizers() -> list[UUID]:
    """Return everybody, of all organisations, who owns something that can be booked."""
    return list(
        session().scalars(select(EventType.host_id).where(EventType.is_active).distinct().order_by(EventType.host_id))
    )


def find_event_type(event_type_id: UUID) -> EventType | None:
    """Return the event type with this id, its schedule loaded, of whatever organisation."""
    return session().scalars(_BY_ID, {"event_type_id": event_type_id}).unique().one_or_none()


_HOST_IDS: BindParameter[UUID] = bindparam("host_ids", expanding=True)
# Made once, for every guest asks it.
_PUBLIC = (
    select(EventType).join(EventType.organization).where(*AT_ADDRESS).options(contains_eager(EventType.organization))
)
# Each booking throws away what it makes out of date, for all that its hosts offer.
_CONCERNED = (
    select(EventType)
    .where(
        EventType.is_active,
        or_(
            EventType.host_id.in_(_HOST_IDS),
            EventType.id.in_(select(EventHost.event_type_id).where(EventHost.host_id.in_(_HOST_IDS))),
        ),
    )
    .order_by(EventType.id)
)
# Whoever works out open times begins with it.
_BY_ID = (
    select(EventType)
    .where(EventType.id == bindparam("event_type_id"))
    .options(with_schedule().joinedload(Schedule.hours))
    .execution_options(populate_existing=True)
)
