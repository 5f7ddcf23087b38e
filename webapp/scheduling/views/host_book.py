"""Where a host books for a guest: what, when, and who; at a time on offer, or at any other one after a warning."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from webapp.core import clock
from webapp.core.db import transaction
from webapp.core.idempotency import KeyReused, earlier_answer, remember_answer
from webapp.core.validation import InvalidInput
from webapp.identity.access import current_member, signed_in
from webapp.scheduling import queries
from webapp.scheduling.errors import StartRefused
from webapp.scheduling.forms import show_errors
from webapp.scheduling.forms.host_booking import HostBookingForm, host_booking_form
from webapp.scheduling.models import EventType, Side
from webapp.scheduling.service.booking import book
from webapp.scheduling.service.outside import passed_over
from webapp.scheduling.slots import Refusal
from webapp.scheduling.views.guest import picker_page
from webapp.scheduling.views.host import visible_host
from webapp.scheduling.views.outside import chosen_start, warnings
from webapp.scheduling.views.picker import make_picker, nearest_slots, read_wish, start_value, unusual_duration
from webapp.web.forms import form_key, new_form_key
from webapp.web.times import reader_tag

blueprint = Blueprint("host_book", __name__, url_prefix="/app/bookings/new")


@blueprint.get("")
@signed_in
def choose_kind() -> str:
    """Ask what to book."""
    member = current_member()
    found = queries.event_types(organization_id=member.organization_id, host_id=visible_host(member))
    offered = [event_type for event_type in found if event_type.is_active]
    return render_template("scheduling/host/new_kind.html", event_types=offered)


@blueprint.get("/<uuid:event_type_id>")
@signed_in
def choose(event_type_id: UUID) -> ResponseReturnValue:
    """Show the free times, or, once a time is chosen, ask who comes."""
    event_type, wish = _own(event_type_id), read_wish(request.args)
    zone = wish.zone or clock.find_zone(current_member().user.timezone)
    if start := chosen_start(request.args, zone):
        wanted = _Wanted(event_type, start, zone, unusual_duration(event_type, wish))
        return _form_page(wanted, host_booking_form(event_type))
    picker = make_picker(event_type=event_type, wish=wish._replace(zone=zone))
    return picker_page("scheduling/host/new_choose.html", event_type=event_type, picker=picker)


@blueprint.post("/<uuid:event_type_id>")
@signed_in
def create(event_type_id: UUID) -> ResponseReturnValue:
    """Book for the guest; `outside_rules` says that the warning was read."""
    event_type, wish = _own(event_type_id), read_wish(request.form)
    zone = wish.zone or clock.find_zone(current_member().user.timezone)
    start, filled = chosen_start(request.form, zone), host_booking_form(event_type, request.form)
    if start is None:
        flash(_("Please choose a time first."), "info")
        return redirect(url_for("host_book.choose", event_type_id=event_type.id), 303)
    wanted = _Wanted(event_type, start, zone, unusual_duration(event_type, wish))
    if not filled.validate():
        return _form_page(wanted, filled, status=422)
    try:
        booking_id = _book_once(wanted, filled)
    except StartRefused as refusal:
        return _form_page(wanted, filled, status=refusal.status)
    except InvalidInput as invalid:
        return _form_page(wanted, filled, status=422, errors=show_errors(filled, invalid.errors))
    except KeyReused:
        return _form_page(wanted, filled, status=409, errors=[_("This form was already sent with other details.")])
    flash(_("Booked. %(guest)s is being told.", guest=filled.name.data), "success")
    return redirect(url_for("host.booking", booking_id=booking_id), 303)


class _Wanted(NamedTuple):
    """What is about to be booked; `duration` in minutes, None for the usual one."""

    event_type: EventType
    start: datetime
    zone: ZoneInfo
    duration: int | None

    @property
    def end(self) -> datetime:
        return self.start + timedelta(minutes=self.duration or self.event_type.duration)


def _own(event_type_id: UUID) -> EventType:
    member = current_member()
    return queries.get_event_type(member.organization_id, event_type_id, host_id=visible_host(member))


def _book_once(wanted: _Wanted, filled: HostBookingForm) -> UUID:
    """Book and return the booking's id; the same form sent twice books once and returns the same one."""
    key = form_key()
    scope, outside = f"{request.path} {current_member().user_id}", request.form.get("outside_rules") == "yes"
    body = {"start": wanted.start.isoformat(), "duration": wanted.duration, "outside": outside, **filled.typed()}
    with transaction():
        if earlier := earlier_answer(scope=scope, key=key, body=body):
            return UUID(earlier["booking_id"])
        booking = book(
            event_type=wanted.event_type,
            start=wanted.start,
            duration=wanted.duration,
            guest=filled.guest(timezone=filled.guest_timezone.data or "", locale=reader_tag()),
            answers=filled.answers(),
            attendees=filled.brought_along(),
            by=Side.HOST,
            outside_rules=outside,
        )
        remember_answer(scope=scope, key=key, answer={"booking_id": str(booking.id)})
    return booking.id


def _form_page(
    wanted: _Wanted, filled: HostBookingForm, *, status: int = 200, errors: list[str] | None = None
) -> Response:
    """Return the form with what speaks against the time; what even a host cannot pass over names other times."""
    refusal: StartRefused | None = None
    broken: list[Refusal] = []
    try:
        broken = passed_over(event_type=wanted.event_type, start=wanted.start, duration=wanted.duration)
    except StartRefused as refused:
        refusal, status = refused, refused.status
    page = render_template(
        "scheduling/host/new_form.html",
        **wanted._asdict(),
        end=wanted.end,
        start_value=start_value(wanted.start),
        form=filled,
        refusal=refusal,
        others=nearest_slots(**wanted._asdict()) if refusal else [],
        warnings=warnings(broken),
        errors=errors or [],
        idempotency_key=new_form_key(),
    )
    return make_response(page, status)
