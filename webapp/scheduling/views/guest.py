"""Where guests book, without an account: what an organisation offers, the free times, the form."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from webapp.core import clock
from webapp.core.db import transaction
from webapp.core.idempotency import KeyReused, earlier_answer, remember_answer
from webapp.core.settings import settings
from webapp.core.validation import InvalidInput
from webapp.scheduling import queries
from webapp.scheduling.errors import StartRefused
from webapp.scheduling.forms import show_errors
from webapp.scheduling.forms.booking import GuestForm, guest_form
from webapp.scheduling.models import EventType
from webapp.scheduling.service.booking import book, manage_token
from webapp.scheduling.service.offers import require_offered
from webapp.scheduling.views.picker import make_picker, nearest_slots, read_start, read_wish, start_value
from webapp.web.extensions import limiter

blueprint = Blueprint("guest", __name__)
limiter.limit(lambda: settings().rate_limit_public)(blueprint)

FRAGMENT = "X-Fragment"
_LONGEST_KEY = 64


@blueprint.get("/book/<organization>")
def organization(organization: str) -> str:
    """Show what can be booked with an organisation."""
    event_types = queries.public_event_types(organization)
    found = event_types[0].organization if event_types else queries.public_organization(organization)
    return render_template("scheduling/guest/organization.html", organization=found, event_types=event_types)


@blueprint.get("/book/<organization>/<event_type>")
def choose(organization: str, event_type: str) -> Response:
    """Show the free times of an event type."""
    offered = queries.public_event_type(organization, event_type)
    picker = make_picker(event_type=offered, wish=read_wish(request.args))
    return picker_page("scheduling/guest/choose.html", event_type=offered, picker=picker)


def picker_page(template: str, **context: object) -> Response:
    """Return a page with a picker; only the picker itself when a script asks for that. Never kept: times go quickly."""
    wanted = "scheduling/guest/picker.html" if request.headers.get(FRAGMENT) == "picker" else template
    response = make_response(render_template(wanted, **context))
    response.headers["Cache-Control"] = "no-cache, private"
    response.vary.add(FRAGMENT)
    return response


@blueprint.get("/book/<organization>/<event_type>/confirm")
def form(organization: str, event_type: str) -> ResponseReturnValue:
    """Ask who books the time that the address names."""
    offered = queries.public_event_type(organization, event_type)
    start = read_start(request.args.get("start", ""))
    if start is None:
        return _back_to_choose(offered)
    zone = read_wish(request.args).zone or clock.find_zone(offered.organization.timezone)
    try:
        require_offered(event_type=offered, start=start)
    except StartRefused as refusal:
        return _form_page(offered, guest_form(offered), start, zone, refusal=refusal)
    return _form_page(offered, guest_form(offered), start, zone)


@blueprint.post("/book/<organization>/<event_type>/confirm")
def confirm(organization: str, event_type: str) -> ResponseReturnValue:
    """Book, and show what was booked; or show the form again with what was typed."""
    offered = queries.public_event_type(organization, event_type)
    start = read_start(request.form.get("start", ""))
    zone = read_wish(request.form).zone or clock.find_zone(offered.organization.timezone)
    filled = guest_form(offered, request.form)
    if start is None:
        return _without_a_start(offered, filled, zone)
    if not filled.validate():
        return _form_page(offered, filled, start, zone, status=422)
    try:
        token = _book_once(offered, start, filled, zone)
    except StartRefused as refusal:
        return _form_page(offered, filled, start, zone, refusal=refusal)
    except InvalidInput as invalid:
        return _form_page(offered, filled, start, zone, status=422, errors=show_errors(filled, invalid.errors))
    except KeyReused:
        sent = _("This form was already sent with other details: look for the confirmation in your inbox first.")
        return _form_page(offered, filled, start, zone, status=409, errors=[sent])
    return redirect(url_for("manage.show", token=token, new=1), 303)


def _book_once(event_type: EventType, start: datetime, filled: GuestForm, zone: ZoneInfo) -> str:
    """Book and return the manage token; the same form sent twice books once and returns the same token."""
    key = request.form.get("idempotency_key", "")[:_LONGEST_KEY] or secrets.token_urlsafe(16)
    body = {"start": start.isoformat(), "timezone": zone.key, **filled.typed()}
    with transaction():
        if earlier := earlier_answer(scope=request.path[:200], key=key, body=body):
            booking = queries.get_booking(event_type.organization_id, UUID(earlier["booking_id"]))
        else:
            booking = book(
                event_type=event_type, start=start, guest=filled.guest(timezone=zone.key), answers=filled.answers()
            )
            remember_answer(scope=request.path[:200], key=key, answer={"booking_id": str(booking.id)})
    return manage_token(booking)


def _without_a_start(event_type: EventType, filled: GuestForm, zone: ZoneInfo) -> ResponseReturnValue:
    """Offer again the times that a refusal offered, when none of them was chosen; else lead back to the calendar."""
    refused = read_start(request.form.get("refused", ""))
    if refused is None:
        return _back_to_choose(event_type)
    return _form_page(event_type, filled, refused, zone, refusal=StartRefused(_("Please choose one of these times.")))


def _back_to_choose(event_type: EventType) -> ResponseReturnValue:
    flash(_("Please choose a time first."), "info")
    return redirect(url_for("guest.choose", organization=event_type.organization.slug, event_type=event_type.slug), 303)


def _form_page(
    event_type: EventType,
    filled: GuestForm,
    start: datetime,
    zone: ZoneInfo,
    *,
    refusal: StartRefused | None = None,
    status: int = 200,
    errors: list[str] | None = None,
) -> Response:
    """Return the form; with a refused start it offers the free times nearest to it instead."""
    others = nearest_slots(event_type=event_type, start=start, zone=zone) if refusal else []
    page = render_template(
        "scheduling/guest/form.html",
        event_type=event_type,
        form=filled,
        start=start,
        end=start + timedelta(minutes=event_type.duration),
        start_value=start_value(start),
        zone=zone,
        refusal=refusal,
        others=others,
        errors=errors or [],
        idempotency_key=secrets.token_urlsafe(16),
    )
    response = make_response(page, refusal.status if refusal else status)
    response.headers["Cache-Control"] = "no-store"
    return response
