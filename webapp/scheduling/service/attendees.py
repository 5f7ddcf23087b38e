"""Whom a guest brings along: named with the booking or later, and taken off again.

They get mails and a place in the invitation, and no seat: limits and seats count bookings.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from webapp.core import clock
from webapp.core.addresses import email_address
from webapp.core.errors import NotFound
from webapp.core.events import publish
from webapp.core.scope import read_locked
from webapp.core.validation import FieldErrors
from webapp.core.words import Said, say
from webapp.scheduling.events import BookingAttendeeAdded, BookingAttendeeRemoved
from webapp.scheduling.models import Booking, BookingAttendee, EventType
from webapp.scheduling.service.standing import require_changeable

MOST_ATTENDEES = 20
# Over the life of one booking, those taken off again included: nobody can send mail to the world through one booking.
MOST_EVER = 60


def named_attendees(*, event_type: EventType, guest_email: str, emails: Sequence[str]) -> list[BookingAttendee]:
    """Return whom the guest names with a new booking. Raises InvalidInput naming `attendees.<index>` or `attendees`."""
    taking_part = [guest_email, *(host.email for host in event_type.hosts)]
    checked = _checked(emails, taking_part=taking_part, room=event_type.most_attendees)
    return [BookingAttendee(organization_id=event_type.organization_id, email=email) for email in checked]


def add_attendees(*, booking: Booking, emails: Sequence[str]) -> None:
    """Name further attendees of a booking and publish BookingAttendeeAdded for each.

    Raises InvalidInput as `named_attendees`, AlreadyCancelled and BookingOver.
    """
    read_locked(booking, "named")
    require_changeable(booking)
    known = booking.attendees
    room = min(booking.event_type.most_attendees - len(known), MOST_EVER - len(booking.named))
    taking_part = [booking.guest_email, *(host.email for host in booking.hosts), *(each.email for each in known)]
    for email in _checked(emails, taking_part=taking_part, room=max(room, 0)):
        attendee = BookingAttendee(organization_id=booking.organization_id, email=email)
        booking.named.append(attendee)
        publish(BookingAttendeeAdded(booking_id=booking.id, attendee_id=attendee.id))


def remove_attendee(*, booking: Booking, attendee_id: UUID) -> None:
    """Take an attendee off a booking and publish BookingAttendeeRemoved.

    Raises NotFound when there is none such, AlreadyCancelled and BookingOver.
    """
    read_locked(booking, "named")
    require_changeable(booking)
    attendee = booking.attendee(attendee_id)
    if attendee is None:
        raise NotFound(say("There is no such attendee; they may have been taken off already."))
    attendee.removed_at = clock.now()
    publish(BookingAttendeeRemoved(booking_id=booking.id, attendee_id=attendee.id))


def _checked(emails: Sequence[str], *, taking_part: Iterable[str], room: int) -> list[str]:
    """Return the addresses in their normal form; there is room for so many."""
    faults, checked = FieldErrors(), []
    seen = {email.casefold() for email in taking_part}
    for index, text in enumerate(emails):
        with faults.of(f"attendees.{index}"):
            email = email_address(text)
            if email.casefold() in seen:
                raise ValueError(say("%(email)s takes part already; please name everybody once.", email=email))
            seen.add(email.casefold())
            checked.append(email)
    if len(emails) > room:
        faults.add("attendees", _too_many(room))
    faults.refuse()
    return checked


def _too_many(room: int) -> Said:
    if room:
        return say("Please name at most %(room)d further attendees.", room=room)
    return say("No further attendees can be named here.")
