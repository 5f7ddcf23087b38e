"""Booking for guests and moving bookings, for members' programs."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from flask import request

from webapp.core.clock import find_zone
from webapp.core.db import transaction
from webapp.identity.access import current_member, token_required
from webapp.identity.models import Scope
from webapp.scheduling import queries
from webapp.scheduling.api.blueprints import for_members, only_host
from webapp.scheduling.api.creating import made_once
from webapp.scheduling.models import Booking, Side
from webapp.scheduling.schemas.guests import DaysQuery
from webapp.scheduling.schemas.host_bookings import HostBookingIn, HostRescheduleIn
from webapp.scheduling.schemas.members import BookingOut
from webapp.scheduling.schemas.slots import SlotsOut
from webapp.scheduling.service import booking as bookings
from webapp.web.openapi import IdempotencyHeaders, endpoint

blueprint = for_members("scheduling_host_bookings_api")


@blueprint.post("/bookings")
@token_required(Scope.BOOKINGS_WRITE)
@endpoint(
    answers=BookingOut,
    status=201,
    body=HostBookingIn,
    headers=IdempotencyHeaders,
    problems=(404, 409),
    needs_token=True,
    tag="Bookings",
)
def book_for_guest(body: HostBookingIn, headers: IdempotencyHeaders) -> BookingOut:
    """Book for a guest, who is told at once.

    409 `slot_taken` when another meeting takes place then, or when a break before or after one would be cut short; 422
    naming the field when it is not on offer, which `outside_rules` leaves aside.
    """
    member = current_member()

    def create() -> Booking:
        return bookings.book(
            event_type=queries.get_event_type(member.organization_id, body.event_type_id, host_id=only_host()),
            start=body.start,
            duration=body.duration,
            guest=body.guest(),
            answers=body.answers or {},
            attendees=body.attendees or (),
            by=Side.HOST,
            outside_rules=body.outside_rules,
        )

    # One of a team sees what they booked also where it is another's turn to host it.
    find, scope = partial(queries.get_booking, member.organization_id), f"{request.path} {member.user_id}"
    return BookingOut.of(made_once(scope, headers=headers, body=body, create=create, find=find))


@blueprint.get("/bookings/<uuid:booking_id>/slots")
@token_required(Scope.BOOKINGS_READ)
@endpoint(answers=SlotsOut, query=DaysQuery, problems=(404, 409), needs_token=True, tag="Bookings")
def list_slots_for_booking(booking_id: UUID, query: DaysQuery) -> SlotsOut:
    """The times to which a booking can be moved by the rules; what only it takes is among them, but not its own."""
    booking = queries.get_booking(current_member().organization_id, booking_id, host_id=only_host())
    zone, days = find_zone(query.timezone), {"first": query.start, "last": query.end}
    return SlotsOut.of(bookings.times_to_move_to(booking=booking, zone=zone, by=Side.HOST, **days), zone)


@blueprint.post("/bookings/<uuid:booking_id>/reschedule")
@token_required(Scope.BOOKINGS_WRITE)
@endpoint(answers=BookingOut, body=HostRescheduleIn, problems=(404, 409), needs_token=True, tag="Bookings")
def reschedule_booking(booking_id: UUID, body: HostRescheduleIn) -> BookingOut:
    """Move a booking on the host's behalf; the guest is told at once, and a `pending` one is approved thereby."""
    with transaction():
        booking = queries.get_booking(current_member().organization_id, booking_id, host_id=only_host())
        bookings.reschedule(booking=booking, start=body.start, by=Side.HOST, outside_rules=body.outside_rules)
    return BookingOut.of(booking)
