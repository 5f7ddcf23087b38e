"""What became of bookings, for members' programs."""

from __future__ import annotations

from uuid import UUID

from webapp.identity.access import current_member, token_required
from webapp.identity.models import Scope
from webapp.scheduling import queries
from webapp.scheduling.api.blueprints import for_members, only_host
from webapp.scheduling.schemas.history import ChangeOut, HistoryOut
from webapp.scheduling.service.history import history
from webapp.web.openapi import endpoint

blueprint = for_members("scheduling_history_api")


@blueprint.get("/bookings/<uuid:booking_id>/history")
@token_required(Scope.BOOKINGS_READ)
@endpoint(answers=HistoryOut, problems=(404,), needs_token=True, tag="Bookings")
def show_history(booking_id: UUID) -> HistoryOut:
    """All that happened to a booking: what, when, by whom, and what it changed."""
    booking = queries.get_booking(current_member().organization_id, booking_id, host_id=only_host())
    return HistoryOut(items=[ChangeOut.of(entry) for entry in history(booking)])
