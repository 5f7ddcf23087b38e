"""Notes about bookings: written by whoever may see the booking, deleted by their author or an administrator."""

from __future__ import annotations

from webapp.core import clock
from webapp.core.db import session
from webapp.core.errors import Forbidden
from webapp.core.validation import FieldErrors
from webapp.core.words import say
from webapp.identity.models import Membership
from webapp.scheduling.models import LONGEST_NOTE, Booking, BookingNote
from webapp.scheduling.service.guests import plain_text


def add_note(*, booking: Booking, author: Membership, text: str) -> BookingNote:
    """Write a note about the booking; raises InvalidInput naming `text` when it is empty or too long."""
    faults, kept = FieldErrors(), ""
    with faults.of("text"):
        kept = plain_text(text)
        if not kept:
            raise ValueError(say("Please write something down."))
        if len(kept) > LONGEST_NOTE:
            raise ValueError(say("This note is too long; please use at most %(most)d characters.", most=LONGEST_NOTE))
    faults.refuse()
    note = BookingNote(
        organization_id=booking.organization_id,
        booking_id=booking.id,
        author_id=author.user_id,
        author=author.user,
        text=kept,
        created_at=clock.now(),
    )
    session().add(note)
    return note


def delete_note(*, note: BookingNote, by: Membership) -> None:
    """Delete a note for good; raises Forbidden when it is somebody else's and `by` does not manage the organisation."""
    if not can_delete(note, by):
        raise Forbidden(say("Only its author or an administrator can delete a note."))
    session().delete(note)


def can_delete(note: BookingNote, by: Membership) -> bool:
    """True for the author of a note and for who manages the organisation."""
    return note.author_id == by.user_id or by.role.administers
