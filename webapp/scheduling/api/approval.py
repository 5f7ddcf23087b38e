"""Answering requests, for members' programs."""

from __future__ import annotations

from uuid import UUID

from webapp.core.db import transaction
from webapp.identity.access import current_member, token_required
from webapp.identity.models import Scope
from webapp.scheduling import queries
from webapp.scheduling.api.blueprints import for_members, only_host
from webapp.scheduling.schemas.approval import ApproveIn, DeclineIn
from webapp.scheduling.schemas.members import BookingOut
from webapp.scheduling.service import approval
from webapp.web.openapi import endpoint

blueprint = for_members("scheduling_approval_api")


@blueprint.post("/bookings/<uuid:booking_id>/approve")
@token_required(Scope.BOOKINGS_WRITE)
@endpoint(answers=BookingOut, body=ApproveIn, problems=(404, 409), needs_token=True, tag="Bookings")
def approve_booking(booking_id: UUID, body: ApproveIn) -> BookingOut:
    """Approve a `pending` booking, so that it is confirmed; `start` says at which time."""
    with transaction():
        booking = queries.get_booking(current_member().organization_id, booking_id, host_id=only_host())
        approval.approve(booking=booking, start=body.start)
    return BookingOut.of(booking)


@blueprint.post("/bookings/<uuid:booking_id>/decline")
@token_required(Scope.BOOKINGS_WRITE)
@endpoint(answers=BookingOut, body=DeclineIn, problems=(404, 409), needs_token=True, tag="Bookings")
def decline_booking(booking_id: UUID, body: DeclineIn) -> BookingOut:
    """Decline a `pending` booking, so that its time is free again."""
    with transaction():
        booking = queries.get_booking(current_member().organization_id, booking_id, host_id=only_host())
        approval.decline(booking=booking, reason=body.reason or "", start=body.start)
    return BookingOut.of(booking)
