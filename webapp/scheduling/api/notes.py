"""Notes about bookings, for members' programs."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from flask import request

from webapp.core.db import transaction
from webapp.identity.access import current_member, token_required
from webapp.identity.models import Scope
from webapp.scheduling import queries
from webapp.scheduling.api.blueprints import for_members, only_host
from webapp.scheduling.api.creating import made_once
from webapp.scheduling.models import Booking
from webapp.scheduling.schemas.notes import NoteIn, NoteOut, NotesOut
from webapp.scheduling.service.notes import add_note, delete_note
from webapp.web.openapi import IdempotencyHeaders, endpoint

blueprint = for_members("scheduling_notes_api")


@blueprint.get("/bookings/<uuid:booking_id>/notes")
@token_required(Scope.BOOKINGS_READ)
@endpoint(answers=NotesOut, problems=(404,), needs_token=True, tag="Bookings")
def list_notes(booking_id: UUID) -> NotesOut:
    """What the organisation has noted about a booking; guests never see it."""
    return _all(_booking(booking_id))


@blueprint.post("/bookings/<uuid:booking_id>/notes")
@token_required(Scope.BOOKINGS_WRITE)
@endpoint(
    answers=NoteOut,
    status=201,
    body=NoteIn,
    headers=IdempotencyHeaders,
    problems=(404,),
    needs_token=True,
    tag="Bookings",
)
def create_note(booking_id: UUID, body: NoteIn, headers: IdempotencyHeaders) -> NoteOut:
    """Write a note about a booking."""
    booking, scope = _booking(booking_id), f"{request.path}:{current_member().user_id}"
    note = made_once(
        scope,
        headers=headers,
        body=body,
        create=lambda: add_note(booking=booking, author=current_member(), text=body.text),
        find=partial(queries.get_note, booking),
    )
    return NoteOut.of(note)


@blueprint.delete("/bookings/<uuid:booking_id>/notes/<uuid:note_id>")
@token_required(Scope.BOOKINGS_WRITE)
@endpoint(answers=NotesOut, problems=(404,), needs_token=True, tag="Bookings")
def remove_note(booking_id: UUID, note_id: UUID) -> NotesOut:
    """Delete a note of one's own, or any as an administrator; answers what is left."""
    with transaction():
        booking = _booking(booking_id)
        delete_note(note=queries.get_note(booking, note_id), by=current_member())
    return _all(booking)


def _booking(booking_id: UUID) -> Booking:
    return queries.get_booking(current_member().organization_id, booking_id, host_id=only_host())


def _all(booking: Booking) -> NotesOut:
    return NotesOut(items=[NoteOut.of(note) for note in queries.notes(booking)])
