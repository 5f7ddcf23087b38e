"""Links that book once, as members' programs make and see them."""

from __future__ import annotations

from typing import Self
from uuid import UUID

from pydantic import Field

from webapp.scheduling.models import BookingLink, EventType
from webapp.scheduling.schemas.fields import Email, Moment, Name, Start
from webapp.scheduling.service.links import link_url
from webapp.web.openapi import In, Out


class LinkIn(In):
    """A link to make. The guest's name and e-mail, if given, fill in the form; after `expires_at` it books no more."""

    guest_name: Name | None = None
    guest_email: Email | None = None
    expires_at: Start | None = None


class LinkOut(Out):
    """A link that books once. Its token, at the end of `url`, is the `link` of requests for slots and bookings."""

    id: UUID
    url: str
    guest_name: str
    guest_email: str
    created_at: Moment
    expires_at: Moment | None
    used_at: Moment | None
    booking_id: UUID | None = Field(description="What was booked by it.")

    @classmethod
    def of(cls, link: BookingLink, event_type: EventType) -> Self:
        """Show the link to the event type's hosts."""
        return cls(
            id=link.id,
            url=link_url(event_type, link),
            guest_name=link.guest_name,
            guest_email=link.guest_email,
            created_at=link.created_at,
            expires_at=link.expires_at,
            used_at=link.used_at,
            booking_id=link.booking_id,
        )


class LinksOut(Out):
    """The latest links of an event type, at most 200."""

    items: list[LinkOut]
