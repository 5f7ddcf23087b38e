"""Links that book once: by their token, and those of an event type."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from webapp.core.crypto import digest
from webapp.core.db import session
from webapp.core.errors import NotFound
from webapp.core.scope import find_scoped, scoped
from webapp.scheduling.models import BookingLink, EventType

MOST_LISTED = 200


def find_booking_link(event_type_id: UUID, token: str) -> BookingLink | None:
    """Return the event type's link with this token, used and expired ones too; None when it has none such."""
    statement = select(BookingLink).filter_by(event_type_id=event_type_id, token_digest=digest(token))
    return session().scalar(statement)


def booking_links(event_type: EventType) -> list[BookingLink]:
    """Return the event type's links, the latest first, at most 200 of them."""
    statement = scoped(BookingLink, event_type.organization_id).filter_by(event_type_id=event_type.id)
    return list(session().scalars(statement.order_by(BookingLink.id.desc()).limit(MOST_LISTED)))


def get_booking_link(event_type: EventType, link_id: UUID) -> BookingLink:
    """Return one of the event type's links; raises NotFound."""
    found = find_scoped(BookingLink, organization_id=event_type.organization_id, id=link_id)
    if found.event_type_id != event_type.id:
        raise NotFound
    return found
