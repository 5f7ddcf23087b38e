"""Bookings, for members' programs."""

from __future__ import annotations

from uuid import UUID

from webapp.core.db import transaction
from webapp.identity.access import current_member, token_required
from webapp.identity.models import Scope
from webapp.scheduling import queries
from webapp.scheduling.api.blueprints import for_members, only_host
from webapp.scheduling.models import Side
from webapp.scheduling.schemas.guests import CancelIn
from webapp.scheduling.schemas.members import BookingOut, BookingsOut
from webapp.scheduling.schemas.selection import BookingsQuery
from webapp.scheduling.service import booking as bookings
from webapp.scheduling.service.series import cancel_rest
from webapp.web.openapi import endpoint

blueprint = for_members("scheduling_bookings_api")


@blueprint.get("/bookings")
@token_required(Scope.BOOKINGS_READ)
@endpoint(answers=BookingsOut, query=BookingsQuery, needs_token=True, tag="Bookings")
def list_bookings(query: BookingsQuery) -> BookingsOut:
    """Bookings, one page at a time: upcoming ones soonest first, all others latest first."""
    page = queries.bookings_page(
        organization_id=current_member().organization_id,
        host_id=only_host() or query.host,
        when=query.when,
        search=query.search,
        between=query.between,
        after=query.after,
        limit=query.limit,
    )
    return BookingsOut(items=[BookingOut.of(booking) for booking in page.items], next_cursor=page.next_cursor)


@blueprint.get("/bookings/<uuid:booking_id>")
@token_required(Scope.BOOKINGS_READ)
@endpoint(answers=BookingOut, problems=(404,), needs_token=True, tag="Bookings")
def show_booking(booking_id: UUID) -> BookingOut:
    """One booking."""
    return BookingOut.of(queries.get_booking(current_member().organization_id, booking_id, host_id=only_host()))


@blueprint.post("/bookings/<uuid:booking_id>/cancel")
@token_required(Scope.BOOKINGS_WRITE)
@endpoint(answers=BookingOut, body=CancelIn, problems=(404, 409), needs_token=True, tag="Bookings")
def cancel_booking(booking_id: UUID, body: CancelIn) -> BookingOut:
    """Cancel a booking on the host's behalf, or with `rest` all later ones of its series as well.

    Who does not manage the organisation cancels of those what they host themselves.
    """
    with transaction():
        booking = queries.get_booking(current_member().organization_id, booking_id, host_id=only_host())
        reason = body.reason or ""
        if body.rest:
            cancel_rest(booking=booking, by=Side.HOST, reason=reason, host_id=only_host())
        else:
            bookings.cancel(booking=booking, by=Side.HOST, reason=reason)
    return BookingOut.of(booking)
