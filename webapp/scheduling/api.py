"""Scheduling for programs: `public` for guests' widgets, `members` for those who hold a personal token."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, request

from webapp.core.clock import find_zone
from webapp.core.db import transaction
from webapp.core.idempotency import earlier_answer, remember_answer
from webapp.core.settings import settings
from webapp.identity.access import current_member, token_required
from webapp.identity.models import Scope
from webapp.scheduling import queries
from webapp.scheduling.models import Side
from webapp.scheduling.schemas import (
    BookingCreated,
    BookingIn,
    BookingOut,
    BookingsOut,
    BookingsQuery,
    CancelIn,
    EventTypeOut,
    EventTypesOut,
    ManagedBookingOut,
    OrganizationOut,
    RescheduleIn,
    SlotsOut,
    SlotsQuery,
)
from webapp.scheduling.service import booking as bookings
from webapp.scheduling.service.offers import offered_slots
from webapp.web.cors import allow_any_origin
from webapp.web.extensions import csrf, limiter
from webapp.web.openapi import IdempotencyHeaders, endpoint

public = Blueprint("scheduling_public_api", __name__, url_prefix="/api/v1/public")
members = Blueprint("scheduling_api", __name__, url_prefix="/api/v1")

# Neither knows cookies, so there is no request that another site could forge.
csrf.exempt(public)
csrf.exempt(members)

_METHODS = ["GET", "HEAD", "POST"]  # a browser's preflight costs nothing
limiter.limit(lambda: settings().rate_limit_public, methods=_METHODS)(public)
limiter.limit(lambda: settings().rate_limit_api, methods=_METHODS)(members)
allow_any_origin(public)


@public.after_request
def _never_store(response: Response) -> Response:
    """What is free changes by the second, and a manage link's answer is its guest's alone."""
    response.headers["Cache-Control"] = "no-store"
    return response


# Guests ---------------------------------------------------------------------------------------------------------------


@public.get("/<org>")
@endpoint(answers=OrganizationOut, problems=(404,), tag="Booking")
def show_organization(org: str) -> OrganizationOut:
    """An organisation and what can be booked with it."""
    return OrganizationOut.of(queries.public_organization(org), queries.public_event_types(org))


@public.get("/<org>/<event_type>/slots")
@endpoint(answers=SlotsOut, query=SlotsQuery, problems=(404,), tag="Booking")
def list_slots(org: str, event_type: str, query: SlotsQuery) -> SlotsOut:
    """The times that can be booked."""
    bookable, zone = queries.public_event_type(org, event_type), find_zone(query.timezone)
    offers = offered_slots(event_type=bookable, first=query.start, last=query.end, zone=zone, duration=query.duration)
    return SlotsOut.of(offers, zone)


@public.post("/<org>/<event_type>/bookings")
@endpoint(
    answers=BookingCreated,
    status=201,
    body=BookingIn,
    headers=IdempotencyHeaders,
    problems=(404, 409),
    tag="Booking",
)
def create_booking(org: str, event_type: str, body: BookingIn, headers: IdempotencyHeaders) -> BookingCreated:
    """Book a time on offer.

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
            guest=body.guest(),
            answers=body.answers or {},
        )
        created = BookingCreated.of(booking)
        if headers.key:
            remember_answer(scope=scope, key=headers.key, answer=created.model_dump(mode="json"))
    return created


@public.get("/bookings/<token>")
@endpoint(answers=ManagedBookingOut, problems=(404,), tag="Managing a booking")
def show_managed_booking(token: str) -> ManagedBookingOut:
    """The booking that a manage link is for."""
    return ManagedBookingOut.of(queries.booking_by_token(token))


@public.post("/bookings/<token>/reschedule")
@endpoint(answers=ManagedBookingOut, body=RescheduleIn, problems=(404, 409), tag="Managing a booking")
def reschedule_managed_booking(token: str, body: RescheduleIn) -> ManagedBookingOut:
    """Move the booking to another time on offer; its own time does not stand in its way."""
    with transaction():
        booking = queries.booking_by_token(token)
        bookings.reschedule(booking=booking, start=body.start)
    return ManagedBookingOut.of(booking)


@public.post("/bookings/<token>/cancel")
@endpoint(answers=ManagedBookingOut, body=CancelIn, problems=(404, 409), tag="Managing a booking")
def cancel_managed_booking(token: str, body: CancelIn) -> ManagedBookingOut:
    """Cancel the booking."""
    with transaction():
        booking = queries.booking_by_token(token)
        bookings.cancel(booking=booking, by=Side.GUEST, reason=body.reason or "")
    return ManagedBookingOut.of(booking)


# Members --------------------------------------------------------------------------------------------------------------


def _only_host() -> UUID | None:
    """Members see what they host themselves; None, for everything, when the role manages the organisation."""
    member = current_member()
    return None if member.role.administers else member.user_id


@members.get("/bookings")
@token_required(Scope.BOOKINGS_READ)
@endpoint(answers=BookingsOut, query=BookingsQuery, needs_token=True, tag="Bookings")
def list_bookings(query: BookingsQuery) -> BookingsOut:
    """Bookings, one page at a time: upcoming ones soonest first, all others latest first."""
    page = queries.bookings_page(
        organization_id=current_member().organization_id,
        host_id=_only_host(),
        when=query.when,
        search=query.search,
        after=query.after,
        limit=query.limit,
    )
    return BookingsOut(items=[BookingOut.of(booking) for booking in page.items], next_cursor=page.next_cursor)


@members.get("/bookings/<uuid:booking_id>")
@token_required(Scope.BOOKINGS_READ)
@endpoint(answers=BookingOut, problems=(404,), needs_token=True, tag="Bookings")
def show_booking(booking_id: UUID) -> BookingOut:
    """One booking."""
    return BookingOut.of(queries.get_booking(current_member().organization_id, booking_id, host_id=_only_host()))


@members.post("/bookings/<uuid:booking_id>/cancel")
@token_required(Scope.BOOKINGS_WRITE)
@endpoint(answers=BookingOut, body=CancelIn, problems=(404, 409), needs_token=True, tag="Bookings")
def cancel_booking(booking_id: UUID, body: CancelIn) -> BookingOut:
    """Cancel a booking on the host's behalf."""
    with transaction():
        booking = queries.get_booking(current_member().organization_id, booking_id, host_id=_only_host())
        bookings.cancel(booking=booking, by=Side.HOST, reason=body.reason or "")
    return BookingOut.of(booking)


@members.get("/event-types")
@token_required(Scope.EVENT_TYPES_READ)
@endpoint(answers=EventTypesOut, needs_token=True, tag="Event types")
def list_event_types() -> EventTypesOut:
    """Event types, those switched off too."""
    found = queries.event_types(organization_id=current_member().organization_id, host_id=_only_host())
    return EventTypesOut(items=[EventTypeOut.of(event_type) for event_type in found])
