"""Notes on the page of a booking; guests never see them."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from webapp.core.db import transaction
from webapp.identity.access import current_member, signed_in
from webapp.scheduling import queries
from webapp.scheduling.forms.notes import NoteForm
from webapp.scheduling.service.notes import add_note, delete_note
from webapp.scheduling.views.host import booking_page, own_booking

blueprint = Blueprint("notes", __name__, url_prefix="/app/bookings/<uuid:booking_id>/notes")


@blueprint.post("")
@signed_in
def create(booking_id: UUID) -> ResponseReturnValue:
    """Write a note about the booking."""
    found, form = own_booking(booking_id), NoteForm(request.form)
    if not form.validate():
        return booking_page(found, note_form=form), 422
    with transaction():
        add_note(booking=found, author=current_member(), text=form.text.data or "")
    flash(_("The note is kept. The guest does not see it."), "success")
    return _back(booking_id)


@blueprint.post("/<uuid:note_id>/delete")
@signed_in
def delete(booking_id: UUID, note_id: UUID) -> ResponseReturnValue:
    """Delete a note."""
    with transaction():
        delete_note(note=queries.get_note(own_booking(booking_id), note_id), by=current_member())
    flash(_("The note is deleted."), "success")
    return _back(booking_id)


def _back(booking_id: UUID) -> ResponseReturnValue:
    return redirect(url_for("host.booking", booking_id=booking_id, _anchor="notes"), 303)
