"""What guests' programs come to by an address, and by a link where it takes one."""

from __future__ import annotations

from datetime import date

from webapp.scheduling import queries
from webapp.scheduling.models import EventType
from webapp.scheduling.queries import Listing
from webapp.scheduling.service.links import require_may_wait, require_usable
from webapp.scheduling.service.sheets import find_listing


def opened(organization: str, event_type: str, link: str | None) -> EventType:
    """Return what can be booked there; raises NotFound, LinkUsed and LinkExpired."""
    bookable = queries.public_event_type(organization, event_type, link=link or "")
    if link:
        require_usable(queries.find_booking_link(bookable.id, link))
    return bookable


def listed(organization: str, event_type: str, link: str | None, *, first: date, last: date) -> Listing:
    """Return the same as far as the open times of these dates go; raises NotFound, LinkUsed and LinkExpired."""
    listing = find_listing(organization, event_type, first=first, last=last)
    if link or listing.is_secret:
        opened(organization, event_type, link)
    return listing


def opened_to_wait(organization: str, event_type: str, link: str | None) -> EventType:
    """Return whose waitlist is there; raises NotFound, and LinkBooksOnly for a link that books once."""
    bookable = queries.public_event_type(organization, event_type, link=link or "")
    require_may_wait(queries.find_booking_link(bookable.id, link) if link else None)
    return bookable
