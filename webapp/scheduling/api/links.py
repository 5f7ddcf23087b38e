"""Guests' links, for members' programs."""

from __future__ import annotations

from uuid import UUID

from webapp.core.db import transaction
from webapp.identity.access import current_member, token_required
from webapp.identity.models import Scope
from webapp.scheduling import queries
from webapp.scheduling.api.blueprints import for_members, only_host
from webapp.scheduling.schemas.members import BookingOut
from webapp.scheduling.service.access import revoke_link
from webapp.web.openapi import endpoint

blueprint = for_members("scheduling_links_api")


@blueprint.post("/bookings/<uuid:booking_id>/revoke-link")
@token_required(Scope.BOOKINGS_WRITE)
@endpoint(answers=BookingOut, problems=(404,), needs_token=True, tag="Bookings")
def revoke_booking_link(booking_id: UUID) -> BookingOut:
    """Have the guest's link open nothing any more; the next mail to the guest carries a new one."""
    with transaction():
        booking = queries.get_booking(current_member().organization_id, booking_id, host_id=only_host())
        revoke_link(booking=booking)
    return BookingOut.of(booking)
