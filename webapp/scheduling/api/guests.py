"""Scheduling for guests' programs, widgets among them."""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import request

from webapp.core.clock import find_zone
from webapp.core.db import transaction
from webapp.scheduling import queries
from webapp.scheduling.api.blueprints import for_guests
from webapp.scheduling.api.creating import made_once
from webapp.scheduling.api.opening import listed, opened
from webapp.scheduling.models import Booking, EventType, Side
from webapp.scheduling.schemas.guests import (
    BookingCreated,
    BookingIn,
    CancelIn,
    DaysQuery,
    LinkQuery,
    ManagedBookingOut,
    OrganizationOut,
    PublicEventTypeOut,
    RescheduleIn,
    SlotsQuery,
)
from webapp.scheduling.schemas.slots import SlotsOut, write_slots
from webapp.scheduling.service import booking as bookings
from webapp.scheduling.service.attendance import check_in
from webapp.scheduling.service.series import book_series, cancel_rest
from webapp.scheduling.service.sheets import Sheets
from webapp.web.openapi import IdempotencyHeaders, Written, endpoint

blueprint = for_guests("scheduling_guests_api")

_sheets = Sheets(write_slots, between=b",")


@blueprint.get("/<org>")
@endpoint(answers=OrganizationOut, problems=(404,), tag="Booking")
def show_organization(org: str) -> OrganizationOut:
    """An organisation and what can be booked with it."""
    return OrganizationOut.of(queries.public_organization(org), queries.public_event_types(org))


@blueprint.get("/<org>/<event_type>")
@endpoint(answers=PublicEventTypeOut, query=LinkQuery, problems=(404, 410), tag="Booking")
def show_event_type(org: str, event_type: str, query: LinkQuery) -> PublicEventTypeOut:
    """What can be booked, with the questions that are asked."""
    return PublicEventTypeOut.of(opened(org, event_type, query.link))


@blueprint.get("/<org>/<event_type>/slots")
@endpoint(answers=SlotsOut, query=SlotsQuery, problems=(404, 410), tag="Booking")
def list_slots(org: str, event_type: str, query: SlotsQuery) -> Written:
    """The times that can be booked."""
    listing, zone = listed(org, event_type, query.link, first=query.start, last=query.end), find_zone(query.timezone)
    slots = _sheets.offered(listing, first=query.start, last=query.end, zone=zone, duration=query.duration)
    return SlotsOut.written(slots, zone)


@blueprint.post("/<org>/<event_type>/bookings")
@endpoint(
    answers=BookingCreated,
    status=201,
    body=BookingIn,
    headers=IdempotencyHeaders,
    problems=(404, 409, 410),
    tag="Booking",
)
def create_booking(org: str, event_type: str, body: BookingIn, headers: IdempotencyHeaders) -> BookingCreated:
    """Book a time on offer, or one that is held.

    409 `slot_taken` when somebody else has it; 422 naming the field when it was never on offer; 410
    `link_used` or `link_expired` when the link is of no use any more. Of a series, 409 `occurrences_refused` names
    each start that cannot be had as `recurrence.<start>`, and nothing is booked.
    """
    bookable = queries.public_event_type(org, event_type, link=body.link or "")
    booking = made_once(
        request.path,
        headers=headers,
        body=body,
        create=lambda: _book(bookable, body),
        find=partial(queries.get_booking, bookable.organization_id),
    )
    return BookingCreated.of(booking)


def _book(bookable: EventType, body: BookingIn) -> Booking:
    """Book what is asked for; of a series, return the first booking."""
    once: dict[str, Any] = {
        "event_type": bookable,
        "start": body.start,
        "duration": body.duration,
        "hold": queries.find_hold(event_type_id=bookable.id, start=body.start, tokens=filter(None, [body.hold])),
        "guest": body.guest(),
        "answers": body.answers or {},
        "attendees": body.attendees or (),
        "link": queries.find_booking_link(bookable.id, body.link) if body.link else None,
    }
    if body.recurrence is None:
        return bookings.book(**once)
    return book_series(recurrence=body.recurrence.recurrence(), **once)[0]


@blueprint.get("/bookings/<token>")
@endpoint(answers=ManagedBookingOut, problems=(404,), tag="Managing a booking")
def show_managed_booking(token: str) -> ManagedBookingOut:
    """The booking that a manage link is for."""
    return ManagedBookingOut.of(queries.booking_by_token(token))


@blueprint.get("/bookings/<token>/slots")
@endpoint(answers=SlotsOut, query=DaysQuery, problems=(404, 409), tag="Managing a booking")
def list_slots_to_move_to(token: str, query: DaysQuery) -> SlotsOut:
    """The times to which the booking can be moved; what only it takes is among them, but not its own time."""
    zone, booking = find_zone(query.timezone), queries.booking_by_token(token)
    offers = bookings.times_to_move_to(booking=booking, first=query.start, last=query.end, zone=zone)
    return SlotsOut.of(offers, zone)


@blueprint.post("/bookings/<token>/reschedule")
@endpoint(answers=ManagedBookingOut, body=RescheduleIn, problems=(404, 409), tag="Managing a booking")
def reschedule_managed_booking(token: str, body: RescheduleIn) -> ManagedBookingOut:
    """Move the booking to another time on offer, as `…/slots` lists them; its own time does not stand in its way.

    409 `too_late_to_move` when it cannot be moved (any more), `moved_too_often` when only its host can still move it.
    """
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
    """Cancel the booking, or with `rest` all later ones of its series as well."""
    with transaction():
        booking = queries.booking_by_token(token)
        call_off = cancel_rest if body.rest else bookings.cancel
        call_off(booking=booking, by=Side.GUEST, reason=body.reason or "")
    return ManagedBookingOut.of(booking)
