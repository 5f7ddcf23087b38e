"""Secret links, by which alone an unlisted event type is found, and links that book once."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, update

from webapp.core import clock, crypto
from webapp.core.addresses import email_address
from webapp.core.db import session
from webapp.core.settings import settings
from webapp.core.validation import FieldErrors
from webapp.core.words import say
from webapp.scheduling.errors import LinkBooksOnly, LinkExpired, LinkUsed
from webapp.scheduling.models import Booking, BookingLink, EventType
from webapp.scheduling.service.guests import LONGEST_EMAIL, LONGEST_NAME, one_line
from webapp.scheduling.service.texts import at_most


def create_link(
    *,
    event_type: EventType,
    created_by: UUID,
    guest_name: str = "",
    guest_email: str = "",
    expires_at: datetime | None = None,
) -> BookingLink:
    """Make a link that books the event type once, until `expires_at` (aware) if that is given.

    Raises InvalidInput naming `guest_name`, `guest_email` or `expires_at`.
    """
    faults = FieldErrors()
    with faults.of("guest_name"):
        guest_name = at_most(LONGEST_NAME, one_line(guest_name))
    with faults.of("guest_email"):
        guest_email = email_address(at_most(LONGEST_EMAIL, guest_email)) if guest_email.strip() else ""
    if expires_at is not None and expires_at <= clock.now():
        faults.add("expires_at", say("This has already passed; please choose a later time, or none."))
    faults.refuse()
    link = BookingLink(
        organization_id=event_type.organization_id,
        event_type_id=event_type.id,
        created_by=created_by,
        guest_name=guest_name,
        guest_email=guest_email,
        expires_at=expires_at,
    )
    link.token_digest = crypto.digest(link.token)
    session().add(link)
    session().flush()
    return link


def delete_link(*, link: BookingLink) -> None:
    """Take a link back; what was booked by it stands."""
    session().delete(link)
    session().flush()


def require_usable(link: BookingLink | None) -> None:
    """Raise LinkUsed or LinkExpired when a link that books once does so no more; no link at all is no hindrance."""
    if link is None:
        return
    if link.used_at is not None:
        raise LinkUsed
    if link.expires_at is not None and link.expires_at <= clock.now():
        raise LinkExpired


def use_link(link: BookingLink) -> None:
    """Use up a link for the booking that this transaction makes; raises LinkUsed and LinkExpired.

    Of any number of guests one finds it unused: the others wait for the row until that one has booked, or given up.
    """
    now = clock.now()
    unused = update(BookingLink).where(
        BookingLink.id == link.id,
        BookingLink.used_at.is_(None),
        or_(BookingLink.expires_at.is_(None), BookingLink.expires_at > now),
    )
    taken = session().scalar(unused.values(used_at=now).returning(BookingLink.id))
    session().refresh(link)
    if taken is None:
        require_usable(link)
        raise LinkUsed  # it was taken back


def note_booking(link: BookingLink, booking: Booking) -> None:
    """Write with a link that was used what was booked by it."""
    link.booking_id = booking.id


def require_may_wait(link: BookingLink | None) -> None:
    """Raise LinkBooksOnly when a guest came by a link that books once, which is no way into a waitlist."""
    if link is not None:
        raise LinkBooksOnly


def renew_secret_link(*, event_type: EventType) -> EventType:
    """Give the event type a secret link of another code; the one before opens nothing from now on."""
    event_type.link_version = EventType.link_version + 1
    session().flush()
    session().refresh(event_type, ["link_version"])
    return event_type


def page_url(event_type: EventType) -> str:
    """Return the address of its page for its host to share, with the secret code where it opens to no other."""
    plain = f"{settings().public_url}/book/{event_type.organization.slug}/{event_type.slug}"
    return f"{plain}?link={event_type.secret_code}" if event_type.is_secret else plain


def book_again_url(event_type: EventType) -> str:
    """Return where a guest books again. Who came by a link that books once is not given the secret one."""
    page = f"{settings().public_url}/book/{event_type.organization.slug}"
    return page if event_type.is_secret else f"{page}/{event_type.slug}"


def link_url(event_type: EventType, link: BookingLink) -> str:
    """Return the address at which a link of the event type books once."""
    return f"{settings().public_url}/book/{event_type.organization.slug}/{event_type.slug}?link={link.token}"
