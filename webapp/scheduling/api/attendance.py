"""Who came, as members' programs say it."""

from __future__ import annotations

from uuid import UUID

from webapp.core.db import transaction
from webapp.identity.access import current_member, token_required
from webapp.identity.models import Scope
from webapp.scheduling import queries
from webapp.scheduling.api.blueprints import for_members, only_host
from webapp.scheduling.schemas.attendance import AttendanceIn
from webapp.scheduling.schemas.members import BookingOut
from webapp.scheduling.service import attendance
from webapp.web.openapi import endpoint

blueprint = for_members("scheduling_attendance_api")


@blueprint.post("/bookings/<uuid:booking_id>/attendance")
@token_required(Scope.BOOKINGS_WRITE)
@endpoint(answers=BookingOut, body=AttendanceIn, problems=(404, 409), needs_token=True, tag="Bookings")
def say_attendance(booking_id: UUID, body: AttendanceIn) -> BookingOut:
    """Say whether the guest of a booking was there, or take back what was said."""
    with transaction():
        booking = queries.get_booking(current_member().organization_id, booking_id, host_id=only_host())
        attendance.note_attendance(booking=booking, attendance=body.attendance)
    return BookingOut.of(booking)
