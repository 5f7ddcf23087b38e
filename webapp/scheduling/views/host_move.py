"""Where a host moves a booking: to a time on offer, or to any other one after a warning."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from webapp.core import clock
from webapp.core.db import transaction
from webapp.core.errors import Conflict
from webapp.identity.access import current_member, signed_in
from webapp.scheduling.errors import NothingChanged, StartRefused
from webapp.scheduling.models import Booking, Side
from webapp.scheduling.service.booking import reschedule
from webapp.scheduling.service.offers import chosen_duration
from webapp.scheduling.service.outside import passed_over
from webapp.scheduling.service.standing import can_change
from webapp.scheduling.views.guest import picker_page
from webapp.scheduling.views.host import own_booking
from webapp.scheduling.views.outside import chosen_start, warnings
from webapp.scheduling.views.picker import make_picker, nearest_slots, read_wish, start_value
from webapp.web.languages import told

blueprint = Blueprint("host_move", __name__, url_prefix="/app/bookings/<uuid:booking_id>/reschedule")


@blueprint.get("")
@signed_in
def choose(booking_id: UUID) -> ResponseReturnValue:
    """Show the free times, or, once a time is chosen, ask whether to move the booking there."""
    booking = own_booking(booking_id)
    if not can_change(booking):
        return _back(booking)
    wish = read_wish(request.args)
    zone = wish.zone or clock.find_zone(current_member().user.timezone)
    if start := chosen_start(request.args, zone):
        return _ask_to_move(booking, start, zone)
    picker = make_picker(event_type=booking.event_type, wish=wish._replace(zone=zone), moving=booking)
    return picker_page(
        "scheduling/host/move_choose.html", booking=booking, event_type=booking.event_type, picker=picker
    )


@blueprint.post("")
@signed_in
def move(booking_id: UUID) -> ResponseReturnValue:
    """Move the booking to the chosen time; `outside_rules` says that the warning was read."""
    booking = own_booking(booking_id)
    zone = read_wish(request.form).zone or clock.find_zone(current_member().user.timezone)
    start = chosen_start(request.form, zone)
    if start is None:
        flash(_("Please choose a time first."), "info")
        return redirect(url_for("host_move.choose", booking_id=booking.id), 303)
    try:
        with transaction():
            outside = request.form.get("outside_rules") == "yes"
            reschedule(booking=booking, start=start, by=Side.HOST, outside_rules=outside)
    except StartRefused as refusal:
        return _ask_to_move(booking, start, zone, status=refusal.status)
    except Conflict as conflict:
        flash(told(conflict), "error")
    else:
        flash(_("The booking has been moved, and %(guest)s is being told.", guest=booking.guest_name), "success")
    return _back(booking)


def _back(booking: Booking) -> ResponseReturnValue:
    """Return to the booking, whose page says how it stands."""
    return redirect(url_for("host.booking", booking_id=booking.id), 303)


def _ask_to_move(booking: Booking, start: datetime, zone: ZoneInfo, *, status: int = 200) -> ResponseReturnValue:
    """Return the question whether to move the booking to `start`, with what speaks against it.

    What even a host cannot pass over is answered with the free times nearest to it.
    """
    if start == booking.starts_at:
        flash(told(NothingChanged()), "info")
        return redirect(url_for("host_move.choose", booking_id=booking.id), 303)
    try:
        broken = passed_over(event_type=booking.event_type, start=start, moving=booking)
    except StartRefused as refusal:
        others = nearest_slots(event_type=booking.event_type, start=start, zone=zone, moving=booking)
        return _move_page(booking, start, zone, refusal=refusal, others=others, status=refusal.status)
    return _move_page(booking, start, zone, warnings=warnings(broken), status=status)


def _move_page(booking: Booking, start: datetime, zone: ZoneInfo, *, status: int, **context: object) -> Response:
    length = chosen_duration(booking.event_type, duration=None, moving=booking)
    page = render_template(
        "scheduling/host/move.html",
        booking=booking,
        start=start,
        end=start + timedelta(minutes=length),
        start_value=start_value(start),
        zone=zone,
        **context,
    )
    return make_response(page, status)
