"""Scheduling for guests' programs, widgets among them."""

from __future__ import annotations

from flask import request

from webapp.core.clock import find_zone
from webapp.core.db import transaction
from webapp.core.idempotency import earlier_answer, remember_answer
from webapp.scheduling import queries
from webapp.scheduling.api.blueprints import for_guests
from webapp.scheduling.models import Side
from webapp.scheduling.schemas.guests import (
    BookingCreated,
    BookingIn,
    CancelIn,
    ManagedBookingOut,
    OrganizationOut,
    RescheduleIn,
    SlotsOut,
    SlotsQuery,
)
from webapp.scheduling.service import booking as bookings
from webapp.scheduling.service.attendance import check_in
from webapp.scheduling.service.offers import offered_slots
from webapp.web.openapi import IdempotencyHeaders, endpoint

blueprint = for_guests("scheduling_guests_api")


@blueprint.get("/<org>")
@endpoint(answers=OrganizationOut, problems=(404,), tag="Booking")
def show_organization(org: str) -> OrganizationOut:
    """An organisation and what can be booked with it."""
    return OrganizationOut.of(queries.public_organization(org), queries.public_event_types(org))


@blueprint.get("/<org>/<event_type>/slots")
@endpoint(answers=SlotsOut, query=SlotsQuery, problems=(404,), tag="Booking")
def list_slots(org: str, event_type: str, query: SlotsQuery) -> SlotsOut:
    """The times that can be booked."""
    bookable, zone = queries.public_event_type(org, event_type), find_zone(query.timezone)
    offers = offered_slots(event_type=bookable, first=query.start, last=query.end, zone=zone, duration=query.duration)
    return SlotsOut.of(offers, zone)


@blueprint.post("/<org>/<event_type>/bookings")
@endpoint(
    answers=BookingCreated,
    status=201,
    body=BookingIn,
    headers=IdempotencyHeaders,
    problems=(404, 409),
    tag="Booking",
)
def create_booking(org: str, event_type: str, body: BookingIn, headers: IdempotencyHeaders) -> BookingCreated:
    """Book a time on offer, or one that is held.

    409 `slot_taken` when somebody else has it; 422 naming the field when it was never on offer.
    """
    bookable = queries.public_event_type(org, event_type)
    scope, sent = request.path, body.model_dump(mode="json")
    with transaction():
        if headers.key and (earlier := earlier_answer(scope=scope, key=headers.key, body=sent)):
            return BookingCreated.model_validate(earlier)
        booking = bookings.book(
            event_type=bookable,
            start=body.start,
            duration=body.duration,
            hold=queries.find_hold(event_type_id=bookable.id, start=body.start, tokens=filter(None, [body.hold])),
            guest=body.guest(),
            answers=body.answers or {},
            attendees=body.attendees or (),
        )
        created = BookingCreated.of(booking)
        if headers.key:
            remember_answer(scope=scope, key=headers.key, answer=created.model_dump(mode="json"))
    return created


@blueprint.get("/bookings/<token>")
@endpoint(answers=ManagedBookingOut, problems=(404,), tag="Managing a booking")
def show_managed_booking(token: str) -> ManagedBookingOut:
    """The booking that a manage link is for."""
    return ManagedBookingOut.of(queries.booking_by_token(token))


@blueprint.post("/bookings/<token>/reschedule")
@endpoint(answers=ManagedBookingOut, body=RescheduleIn, problems=(404, 409), tag="Managing a booking")
def reschedule_managed_booking(token: str, body: RescheduleIn) -> ManagedBookingOut:
    """Move the booking to another time on offer; its own time does not stand in its way."""
    with transaction():
        booking = queries.booking_by_token(token)
        bookings.reschedule(booking=booking, start=body.start)
    return ManagedBookingOut.of(booking)


@blueprint.post("/bookings/<token>/check-in")
@endpoint(answers=ManagedBookingOut, problems=(404, 409), tag="Managing a booking")
def check_in_to_managed_booking(token: str) -> ManagedBookingOut:
    """Say that the guest is there, from 15 minutes before the start until the end; again changes nothing."""
    with transaction():
        booking = check_in(booking=queries.booking_by_token(token))
    return ManagedBookingOut.of(booking)


@blueprint.post("/bookings/<token>/cancel")
@endpoint(answers=ManagedBookingOut, body=CancelIn, problems=(404, 409), tag="Managing a booking")
def cancel_managed_booking(token: str, body: CancelIn) -> ManagedBookingOut:
    """Cancel the booking."""
    with transaction():
        booking = queries.booking_by_token(token)
        bookings.cancel(booking=booking, by=Side.GUEST, reason=body.reason or "")
    return ManagedBookingOut.of(booking)
