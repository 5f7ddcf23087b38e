"""The guest's link, on the page of a booking."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from webapp.core.db import transaction
from webapp.identity.access import signed_in
from webapp.scheduling.service.access import revoke_link
from webapp.scheduling.views.host import own_booking

blueprint = Blueprint("links", __name__)


@blueprint.post("/app/bookings/<uuid:booking_id>/revoke-link")
@signed_in
def revoke(booking_id: UUID) -> ResponseReturnValue:
    """Have the guest's link open nothing any more."""
    with transaction():
        revoke_link(booking=own_booking(booking_id))
    flash(_("The link opens nothing any more. The next e-mail to the guest carries a new one."), "success")
    return redirect(url_for("host.booking", booking_id=booking_id), 303)
