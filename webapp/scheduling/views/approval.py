"""Where a host answers a request: for the time that the form says, since the guest may have moved it meanwhile."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from webapp.core.db import transaction
from webapp.core.errors import Conflict
from webapp.identity.access import signed_in
from webapp.scheduling.errors import MovedMeanwhile
from webapp.scheduling.forms.booking import DeclineForm
from webapp.scheduling.service import approval
from webapp.scheduling.views.host import booking_page, own_booking
from webapp.scheduling.views.picker import read_start
from webapp.web.languages import told

blueprint = Blueprint("approval", __name__, url_prefix="/app/bookings/<uuid:booking_id>")


@blueprint.post("/approve")
@signed_in
def approve(booking_id: UUID) -> ResponseReturnValue:
    """Approve a request; the guest is told."""
    found = own_booking(booking_id)
    try:
        with transaction():
            approval.approve(booking=found, start=_seen())
    except Conflict as conflict:
        flash(told(conflict), "error")
    else:
        flash(_("The booking is confirmed, and %(guest)s is being told.", guest=found.guest_name), "success")
    return redirect(url_for("host.booking", booking_id=booking_id), 303)


@blueprint.post("/decline")
@signed_in
def decline(booking_id: UUID) -> ResponseReturnValue:
    """Decline a request; the guest is told the reason."""
    found, form = own_booking(booking_id), DeclineForm(request.form)
    if not form.validate():
        return booking_page(found, declining=form), 422
    try:
        with transaction():
            reason = (form.decline_reason.data or "").strip()
            approval.decline(booking=found, reason=reason, start=_seen())
    except MovedMeanwhile as moved:
        flash(told(moved), "error")
        return booking_page(found, declining=form), moved.status  # with the reason that was typed
    except Conflict as conflict:
        flash(told(conflict), "error")
    else:
        flash(_("The request is declined, and %(guest)s is being told.", guest=found.guest_name), "success")
    return redirect(url_for("host.booking", booking_id=booking_id), 303)


def _seen() -> datetime | None:
    """Return the time of which the form was; None for one of an older release, which did not say."""
    return read_start(request.form.get("start", ""))
