"""Who came, as hosts say it on the page of a booking."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from webapp.core.db import transaction
from webapp.core.errors import Conflict
from webapp.identity.access import signed_in
from webapp.scheduling.models import Attendance
from webapp.scheduling.service.attendance import note_attendance
from webapp.scheduling.views.host import own_booking
from webapp.web.languages import told

blueprint = Blueprint("attendance", __name__, url_prefix="/app/bookings/<uuid:booking_id>/attendance")


@blueprint.post("")
@signed_in
def note(booking_id: UUID) -> ResponseReturnValue:
    """Note whether the guest was there (`attendance=attended` or `no_show`), or take it back (`unknown`)."""
    found, said = own_booking(booking_id), request.form.get("attendance", "")
    if said not in set(Attendance):
        abort(422)
    try:
        with transaction():
            note_attendance(booking=found, attendance=Attendance(said))
    except Conflict as conflict:
        flash(told(conflict), "error")
    else:
        flash(_done(Attendance(said), found.guest_name), "success")
    return redirect(url_for("host.booking", booking_id=booking_id), 303)


def _done(attendance: Attendance, guest: str) -> str:
    words = {
        Attendance.ATTENDED: _("Noted: %(guest)s was there.", guest=guest),
        Attendance.NO_SHOW: _("Noted: %(guest)s did not come.", guest=guest),
        Attendance.UNKNOWN: _("It is open again whether %(guest)s came.", guest=guest),
    }
    return str(words[attendance])
