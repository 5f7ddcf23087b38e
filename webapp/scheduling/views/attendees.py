"""Whom a guest brings along, on a page beside that of the booking."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from webapp.core import clock
from webapp.core.db import transaction
from webapp.core.errors import Conflict, NotFound
from webapp.core.settings import settings
from webapp.core.validation import InvalidInput
from webapp.scheduling import queries
from webapp.scheduling.forms import show_errors
from webapp.scheduling.forms.attendees import AttendeesForm, split_addresses
from webapp.scheduling.models import Booking
from webapp.scheduling.service.attendees import add_attendees, remove_attendee
from webapp.scheduling.service.standing import can_change
from webapp.scheduling.views.manage import keep_private
from webapp.web.extensions import limiter
from webapp.web.languages import told

blueprint = Blueprint("attendees", __name__, url_prefix="/manage/<token>/attendees")
limiter.limit(lambda: settings().rate_limit_public)(blueprint)
blueprint.after_request(keep_private)


@blueprint.get("")
def index(token: str) -> ResponseReturnValue:
    """Show who else is invited, and ask whom to invite as well."""
    booking = queries.booking_by_token(token)
    if not can_change(booking):
        return redirect(url_for("manage.show", token=token), 303)
    return _page(token, booking, AttendeesForm())


@blueprint.post("")
def invite(token: str) -> ResponseReturnValue:
    """Invite whoever was typed."""
    booking, form = queries.booking_by_token(token), AttendeesForm(request.form)
    typed = split_addresses(form.attendees.data or "")
    if not form.validate():
        return _page(token, booking, form), 422
    try:
        with transaction():
            add_attendees(booking=booking, emails=typed)
    except InvalidInput as invalid:
        return _page(token, booking, form, errors=show_errors(form, invalid.errors)), 422
    except Conflict as conflict:
        flash(told(conflict), "error")
        return redirect(url_for("manage.show", token=token), 303)
    if typed:
        flash(_("The invitations are on their way."), "success")
    return redirect(url_for("attendees.index", token=token), 303)


@blueprint.post("/<uuid:attendee_id>/remove")
def uninvite(token: str, attendee_id: UUID) -> ResponseReturnValue:
    """Take somebody off the booking again."""
    try:
        with transaction():
            remove_attendee(booking=queries.booking_by_token(token), attendee_id=attendee_id)
    except (Conflict, NotFound) as refusal:
        flash(told(refusal), "error")
        return redirect(url_for("manage.show", token=token), 303)
    flash(_("They are taken off, and are being told."), "success")
    return redirect(url_for("attendees.index", token=token), 303)


def _page(token: str, booking: Booking, form: AttendeesForm, *, errors: list[str] | None = None) -> str:
    return render_template(
        "scheduling/manage/attendees.html",
        token=token,
        booking=booking,
        zone=clock.find_zone(booking.guest_timezone),
        form=form,
        errors=errors or [],
        room=max(booking.event_type.most_attendees - len(booking.attendees), 0),
    )
