"""What a guest does with a booking, by the link of their e-mail. Programs that scan mail follow links, so that GET
changes nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from webapp.core import clock
from webapp.core.db import transaction
from webapp.core.errors import Conflict, NotFound
from webapp.core.settings import settings
from webapp.scheduling import messages, queries
from webapp.scheduling.errors import (
    AlreadyCancelled,
    AlreadyDeclined,
    BookingOver,
    MovedTooOften,
    NothingChanged,
    RestTooLateToCancel,
    StartRefused,
    TooLateToCancel,
    TooLateToMove,
)
from webapp.scheduling.forms.booking import CancelForm
from webapp.scheduling.models import Booking, Side
from webapp.scheduling.places import place_of_booking
from webapp.scheduling.service.access import has_first_link, manage_token
from webapp.scheduling.service.attendance import can_check_in, check_in
from webapp.scheduling.service.booking import cancel, reschedule
from webapp.scheduling.service.moves import has_moved_enough
from webapp.scheduling.service.offers import chosen_duration, require_offered
from webapp.scheduling.service.policy import binds, can_cancel, can_reschedule, deadline
from webapp.scheduling.service.series import cancel_rest
from webapp.scheduling.service.standing import can_change
from webapp.scheduling.views.guest import picker_page
from webapp.scheduling.views.picker import make_picker, nearest_slots, read_start, read_wish, start_value
from webapp.web.extensions import limiter
from webapp.web.languages import told

_CHANGES_NO_MORE = (AlreadyCancelled, AlreadyDeclined, BookingOver, MovedTooOften, TooLateToCancel, TooLateToMove)

blueprint = Blueprint("manage", __name__, url_prefix="/manage/<token>")
limiter.limit(lambda: settings().rate_limit_public)(blueprint)


@blueprint.after_request
def keep_private(response: Response) -> Response:
    """The address is the key: no cache keeps the page and no search engine lists it."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


@blueprint.get("")
def show(token: str) -> str:
    """Show the booking, and what can still be done about it."""
    booking = queries.booking_by_token(token)
    return render_template(
        "scheduling/manage/show.html",
        token=token,
        booking=booking,
        zone=clock.find_zone(booking.guest_timezone),
        place=place_of_booking(booking, to=Side.GUEST),
        is_new=request.args.get("new") == "1",
        calendar_links=show_calendar_links(booking),
        can_change=can_change(booking),
        can_check_in=can_check_in(booking),
        is_under_way=booking.starts_at <= clock.now() < booking.ends_at,
        is_bound=binds(booking),
        can_cancel=can_cancel(booking),
        can_reschedule=can_reschedule(booking),
        has_moved_enough=has_moved_enough(booking),
        cancel_until=deadline(booking, booking.event_type.cancel_notice),
        move_until=deadline(booking, booking.event_type.reschedule_notice),
        series=[(each, _page_of(each)) for each in queries.series_of(booking)],
    )


@blueprint.post("/check-in")
def come(token: str) -> ResponseReturnValue:
    """Note that the guest is there."""
    try:
        with transaction():
            check_in(booking=queries.booking_by_token(token))
    except Conflict as conflict:
        flash(told(conflict), "error")
    else:
        flash(_("You have checked in."), "success")
    return _back(token)


@blueprint.get("/invite.ics")
def invite(token: str) -> Response:
    """Return the booking as a file that every calendar can open; one that is off takes the event back out of it.

    There is none before it is confirmed for the first time.
    """
    booking = queries.booking_by_token(token)
    if not booking.was_confirmed:
        raise NotFound
    return Response(
        messages.calendar_file(booking),
        content_type="text/calendar; charset=utf-8; method=PUBLISH",
        headers={"Content-Disposition": 'attachment; filename="invite.ics"'},
    )


@blueprint.get("/reschedule")
def choose(token: str) -> ResponseReturnValue:
    """Show the free times, or, once one is chosen, ask whether to move the booking there."""
    booking = queries.booking_by_token(token)
    if not can_reschedule(booking):
        return _back(token)
    wish = read_wish(request.args)
    zone = wish.zone or clock.find_zone(booking.guest_timezone)
    if start := read_start(request.args.get("start", "")):
        return _ask_to_move(token, booking, start, zone)
    picker = make_picker(event_type=booking.event_type, wish=wish._replace(zone=zone), moving=booking)
    return picker_page(
        "scheduling/manage/choose.html", token=token, booking=booking, event_type=booking.event_type, picker=picker
    )


@blueprint.post("/reschedule")
def move(token: str) -> ResponseReturnValue:
    """Move the booking to the chosen time."""
    booking = queries.booking_by_token(token)
    zone = read_wish(request.form).zone or clock.find_zone(booking.guest_timezone)
    start = read_start(request.form.get("start", ""))
    if start is None:
        flash(_("Please choose a time first."), "info")
        return redirect(url_for("manage.choose", token=token), 303)
    try:
        with transaction():
            reschedule(booking=booking, start=start)
    except StartRefused as refusal:
        return _move_page(token, booking, start, zone, refusal=refusal)
    except NothingChanged as same:
        flash(told(same), "info")
        return redirect(url_for("manage.choose", token=token), 303)
    except _CHANGES_NO_MORE:
        return _back(token)
    flash(_moved(booking), "success")
    return redirect(url_for("manage.show", token=token), 303)


@blueprint.get("/cancel")
def ask_to_cancel(token: str) -> ResponseReturnValue:
    """Ask whether to cancel, and why."""
    booking = queries.booking_by_token(token)
    return _cancel_page(token, booking, CancelForm()) if can_cancel(booking) else _back(token)


@blueprint.post("/cancel")
def call_off(token: str) -> ResponseReturnValue:
    """Cancel the booking."""
    booking, form = queries.booking_by_token(token), CancelForm(request.form)
    if not form.validate():
        return _cancel_page(token, booking, form, status=422)
    try:
        with transaction():
            call_off_these = cancel_rest if form.rest.data else cancel
            call_off_these(booking=booking, by=Side.GUEST, reason=(form.reason.data or "").strip())
    except RestTooLateToCancel as late:
        flash(told(late), "error")
        return _back(token)
    except _CHANGES_NO_MORE:
        return _back(token)
    flash(_("Your booking has been cancelled. We have told %(host)s.", host=booking.host.name), "success")
    return redirect(url_for("manage.show", token=token), 303)


def _page_of(other: Booking) -> str | None:
    """Return where another booking of a series is shown; None where its guest alone is to know."""
    return url_for("manage.show", token=manage_token(other)) if has_first_link(other) else None


def _moved(booking: Booking) -> str:
    if booking.is_pending:
        asked = _("Your request has been moved. %(host)s is asked to approve it.", host=booking.host.name)
        return str(asked)
    return str(_("Your booking has been moved. A new confirmation is on its way to you."))


def _back(token: str) -> ResponseReturnValue:
    """Return to the booking, whose page says why it cannot be changed."""
    return redirect(url_for("manage.show", token=token), 303)


def _ask_to_move(token: str, booking: Booking, start: datetime, zone: ZoneInfo) -> ResponseReturnValue:
    if start == booking.starts_at:
        flash(told(NothingChanged()), "info")
        return redirect(url_for("manage.choose", token=token), 303)
    try:
        require_offered(event_type=booking.event_type, start=start, moving=booking)
    except StartRefused as refusal:
        return _move_page(token, booking, start, zone, refusal=refusal)
    return _move_page(token, booking, start, zone)


def _move_page(
    token: str, booking: Booking, start: datetime, zone: ZoneInfo, *, refusal: StartRefused | None = None
) -> Response:
    """Return the question whether to move the booking to `start`; with a refused start it offers others instead."""
    event_type = booking.event_type
    others = nearest_slots(event_type=event_type, start=start, zone=zone, moving=booking) if refusal else []
    page = render_template(
        "scheduling/manage/move.html",
        token=token,
        booking=booking,
        start=start,
        end=start + timedelta(minutes=chosen_duration(event_type, duration=None, moving=booking)),
        start_value=start_value(start),
        zone=zone,
        refusal=refusal,
        others=others,
    )
    return make_response(page, refusal.status if refusal else 200)


def _cancel_page(token: str, booking: Booking, form: CancelForm, *, status: int = 200) -> Response:
    zone = clock.find_zone(booking.guest_timezone)
    page = render_template("scheduling/manage/cancel.html", token=token, booking=booking, form=form, zone=zone)
    return make_response(page, status)


def show_calendar_links(booking: Booking) -> list[tuple[str, str]]:
    """Return the web calendars that can take the booking over, each with the address that does it."""
    found = messages.calendar_links(booking)
    return [("Google", found.google), ("Outlook.com", found.outlook), ("Microsoft 365", found.microsoft365)]
