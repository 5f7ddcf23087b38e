"""Whom a guest brings along, for guests' programs."""

from __future__ import annotations

from uuid import UUID

from webapp.core.db import transaction
from webapp.scheduling import queries
from webapp.scheduling.api.blueprints import for_guests
from webapp.scheduling.schemas.attendees import AttendeesIn
from webapp.scheduling.schemas.guests import ManagedBookingOut
from webapp.scheduling.service.attendees import add_attendees, remove_attendee
from webapp.web.openapi import endpoint

blueprint = for_guests("scheduling_attendees_api")


@blueprint.post("/bookings/<token>/attendees")
@endpoint(answers=ManagedBookingOut, body=AttendeesIn, problems=(404, 409), tag="Managing a booking")
def invite_attendees(token: str, body: AttendeesIn) -> ManagedBookingOut:
    """Invite further people to the booking."""
    with transaction():
        booking = queries.booking_by_token(token)
        add_attendees(booking=booking, emails=body.attendees)
    return ManagedBookingOut.of(booking)


@blueprint.delete("/bookings/<token>/attendees/<uuid:attendee_id>")
@endpoint(answers=ManagedBookingOut, problems=(404, 409), tag="Managing a booking")
def uninvite_attendee(token: str, attendee_id: UUID) -> ManagedBookingOut:
    """Take somebody off the booking again; they are told."""
    with transaction():
        booking = queries.booking_by_token(token)
        remove_attendee(booking=booking, attendee_id=attendee_id)
    return ManagedBookingOut.of(booking)
