"""Where a host answers a request."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from webapp.core.db import transaction
from webapp.core.errors import Conflict
from webapp.identity.access import signed_in
from webapp.scheduling.forms.booking import DeclineForm
from webapp.scheduling.service import approval
from webapp.scheduling.views.host import booking_page, own_booking
from webapp.web.languages import told

blueprint = Blueprint("approval", __name__, url_prefix="/app/bookings/<uuid:booking_id>")


@blueprint.post("/approve")
@signed_in
def approve(booking_id: UUID) -> ResponseReturnValue:
    """Approve a request; the guest is told."""
    found = own_booking(booking_id)
    try:
        with transaction():
            approval.approve(booking=found)
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
            approval.decline(booking=found, reason=(form.decline_reason.data or "").strip())
    except Conflict as conflict:
        flash(told(conflict), "error")
    else:
        flash(_("The request is declined, and %(guest)s is being told.", guest=found.guest_name), "success")
    return redirect(url_for("host.booking", booking_id=booking_id), 303)
