"""Waitlists, for guests' programs and for members'."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from flask import request

from webapp.core.clock import find_zone
from webapp.core.db import transaction
from webapp.core.errors import NotFound
from webapp.core.words import say
from webapp.identity.access import current_member, token_required
from webapp.identity.models import Scope
from webapp.scheduling import queries
from webapp.scheduling.api.blueprints import for_guests, for_members, only_host
from webapp.scheduling.api.creating import made_once
from webapp.scheduling.api.opening import opened_to_wait
from webapp.scheduling.models import WaitlistEntry
from webapp.scheduling.schemas.guests import BookingCreated, SlotsQuery
from webapp.scheduling.schemas.waitlist import (
    AcceptIn,
    TakenTimesOut,
    WaitingOut,
    WaitlistEntryOut,
    WaitlistIn,
    WaitlistJoined,
    WaitlistOut,
)
from webapp.scheduling.service import waitlist
from webapp.scheduling.service.offers import offered_slots, taken_slots
from webapp.web.openapi import IdempotencyHeaders, endpoint
from webapp.web.pagination import PageQuery

blueprint = for_guests("scheduling_waitlist_api")
members_blueprint = for_members("scheduling_waitlist_members_api")


@blueprint.get("/<org>/<event_type>/waitlist")
@endpoint(answers=TakenTimesOut, query=SlotsQuery, problems=(404, 409), tag="Waitlist")
def list_taken_times(org: str, event_type: str, query: SlotsQuery) -> TakenTimesOut:
    """The times that are taken and that one can wait for; none where there is no waitlist."""
    bookable, zone = opened_to_wait(org, event_type, query.link), find_zone(query.timezone)
    if not bookable.waitlist_enabled:
        raise NotFound(say("There is no waitlist here."))
    free, taken = (
        find(event_type=bookable, first=query.start, last=query.end, zone=zone, duration=query.duration)
        for find in (offered_slots, taken_slots)
    )
    return TakenTimesOut.of(taken, free, zone)


@blueprint.post("/<org>/<event_type>/waitlist")
@endpoint(
    answers=WaitlistJoined,
    status=201,
    body=WaitlistIn,
    headers=IdempotencyHeaders,
    problems=(404, 409),
    tag="Waitlist",
)
def join_waitlist(org: str, event_type: str, body: WaitlistIn, headers: IdempotencyHeaders) -> WaitlistJoined:
    """Wait for a time that is taken, or for a day that is full.

    409 `still_free` when nobody has to wait, `already_waiting` when this e-mail address does; 422 naming the field when
    it is no time that could ever be booked. A secret link lets its guests wait; one that books once does not, which is
    409 `link_books_only`.
    """
    bookable = opened_to_wait(org, event_type, body.link)

    def join() -> WaitlistEntry:
        return waitlist.join(
            event_type=bookable,
            guest=body.guest(),
            answers=body.answers or {},
            wanted=body.wanted,
            duration=body.duration,
        )

    find = partial(queries.get_waitlist_entry, bookable.organization_id)
    return WaitlistJoined.of(made_once(request.path, headers=headers, body=body, create=join, find=find))


@blueprint.get("/waitlist/<token>")
@endpoint(answers=WaitlistEntryOut, problems=(404,), tag="Waitlist")
def show_waitlist_entry(token: str) -> WaitlistEntryOut:
    """The place in line that a link is for, and the offer if there is one."""
    return WaitlistEntryOut.of(queries.entry_by_token(token))


@blueprint.post("/waitlist/<token>/accept")
@endpoint(
    answers=BookingCreated,
    status=201,
    body=AcceptIn,
    headers=IdempotencyHeaders,
    problems=(404, 409),
    tag="Waitlist",
)
def accept_waitlist_offer(token: str, body: AcceptIn, headers: IdempotencyHeaders) -> BookingCreated:
    """Book the time on offer. 409 `no_offer` when there is none, or no longer."""
    entry = queries.entry_by_token(token)
    booking = made_once(
        f"accept:{entry.id}",  # the path has the token in it, which is not to be kept
        headers=headers,
        body=body,
        create=lambda: waitlist.accept(entry=entry, answers=body.answers),
        find=partial(queries.get_booking, entry.organization_id),
    )
    return BookingCreated.of(booking)


@blueprint.post("/waitlist/<token>/refuse")
@endpoint(answers=WaitlistEntryOut, problems=(404, 409), tag="Waitlist")
def refuse_waitlist_offer(token: str) -> WaitlistEntryOut:
    """Pass the offer on to the next in line."""
    with transaction():
        entry = queries.entry_by_token(token)
        waitlist.refuse(entry=entry)
    return WaitlistEntryOut.of(entry)


@blueprint.post("/waitlist/<token>/leave")
@endpoint(answers=WaitlistEntryOut, problems=(404, 409), tag="Waitlist")
def leave_waitlist(token: str) -> WaitlistEntryOut:
    """Wait no longer."""
    with transaction():
        entry = queries.entry_by_token(token)
        waitlist.leave(entry=entry)
    return WaitlistEntryOut.of(entry)


@members_blueprint.get("/waitlist")
@token_required(Scope.BOOKINGS_READ)
@endpoint(answers=WaitlistOut, query=PageQuery, needs_token=True, tag="Waitlist")
def list_waitlist(query: PageQuery) -> WaitlistOut:
    """Everybody in line, one page at a time, by what they wait for."""
    page = queries.waitlist_page(
        organization_id=current_member().organization_id, host_id=only_host(), after=query.after, limit=query.limit
    )
    return WaitlistOut(items=[WaitingOut.of(entry) for entry in page.items], next_cursor=page.next_cursor)


@members_blueprint.post("/waitlist/<uuid:entry_id>/remove")
@token_required(Scope.BOOKINGS_WRITE)
@endpoint(answers=WaitingOut, problems=(404, 409), needs_token=True, tag="Waitlist")
def remove_from_waitlist(entry_id: UUID) -> WaitingOut:
    """Take somebody out of line; what was offered to them goes to the next."""
    with transaction():
        entry = queries.get_waitlist_entry(current_member().organization_id, entry_id, host_id=only_host())
        waitlist.leave(entry=entry, removed=True)
    return WaitingOut.of(entry)
