"""Guests' links in mails: whatever is sent carries one that opens the booking."""

from __future__ import annotations

from uuid import UUID

from webapp.core.db import transaction
from webapp.scheduling import queries
from webapp.scheduling.models import Booking
from webapp.scheduling.service import access


def booking_with_link(booking_id: UUID) -> Booking:
    """Return the booking; one to come whose link has died has a new one. Raises NotFound."""
    booking = queries.booking(booking_id)
    if access.needs_link(booking):
        with transaction():
            access.renew_link(booking=booking)
    return booking
