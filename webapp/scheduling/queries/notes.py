"""Notes about bookings, for their organisation alone."""

from __future__ import annotations

from uuid import UUID

from webapp.core.db import session
from webapp.core.errors import NotFound
from webapp.core.scope import find_scoped, scoped
from webapp.scheduling.models import Booking, BookingNote


def notes(booking: Booking) -> list[BookingNote]:
    """Return what was noted about the booking, with the authors, oldest first."""
    statement = scoped(BookingNote, booking.organization_id).where(BookingNote.booking_id == booking.id)
    return list(session().scalars(statement.order_by(BookingNote.id)))


def get_note(booking: Booking, note_id: UUID) -> BookingNote:
    """Return a note about this booking; raises NotFound."""
    found = find_scoped(BookingNote, organization_id=booking.organization_id, id=note_id)
    if found.booking_id != booking.id:
        raise NotFound
    return found
