"""Where guests book, without an account: what an organisation offers, the free times, the form."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from webapp.core import clock
from webapp.core.db import transaction
from webapp.core.errors import NotFound
from webapp.core.idempotency import KeyReused, earlier_answer, remember_answer
from webapp.core.settings import settings
from webapp.core.validation import InvalidInput
from webapp.identity.models import Organization
from webapp.scheduling import queries
from webapp.scheduling.errors import OccurrencesRefused, SlotTaken, StartRefused
from webapp.scheduling.forms import show_errors
from webapp.scheduling.forms.booking import GuestForm, guest_form
from webapp.scheduling.forms.series import SeriesForm, series_form
from webapp.scheduling.models import Booking, BookingLink, EventType
from webapp.scheduling.places import place_of
from webapp.scheduling.service.booking import book, manage_token
from webapp.scheduling.service.links import require_usable
from webapp.scheduling.service.offers import require_offered
from webapp.scheduling.service.series import Recurrence, book_series
from webapp.scheduling.views.given_link import keep_given_link, open_event_type
from webapp.scheduling.views.holds import form_token, own_hold
from webapp.scheduling.views.picker import (
    make_picker,
    nearest_slots,
    read_start,
    read_wish,
    start_value,
    unusual_duration,
)
from webapp.web.extensions import limiter
from webapp.web.forms import form_key, new_form_key
from webapp.web.times import reader_tag

blueprint = Blueprint("guest", __name__)
blueprint.add_app_template_global(place_of)
blueprint.app_url_defaults(keep_given_link)
limiter.limit(lambda: settings().rate_limit_public)(blueprint)

FRAGMENT = "X-Fragment"


@blueprint.get("/book/<organization>")
def organization(organization: str) -> str:
    """Show what can be booked with an organisation."""
    event_types = queries.public_event_types(organization)
    found = event_types[0].organization if event_types else queries.public_organization(organization)
    return render_template("scheduling/guest/organization.html", organization=found, event_types=event_types)


@blueprint.app_template_global()
def organization_here() -> Organization | None:
    """Return the organisation whose page an address like this one belongs to, for the way out of an error; or None.

    There is none in a frame, which shows no other pages.
    """
    slug = (request.view_args or {}).get("organization")
    if not slug or request.blueprint == "embed":
        return None
    try:
        return queries.public_organization(slug)
    except NotFound:
        return None


@blueprint.get("/book/<organization>/<event_type>")
def choose(organization: str, event_type: str) -> Response:
    """Show the free times of an event type."""
    offered, link = open_event_type(organization, event_type)
    require_usable(link)
    picker = make_picker(event_type=offered, wish=read_wish(request.args), can_wait=link is None)
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
    offered, link = open_event_type(organization, event_type)
    require_usable(link)
    start = read_start(request.args.get("start", ""))
    if start is None:
        return _back_to_choose(offered)
    wanted = _wanted(offered, start, request.args)
    own = own_hold(offered, start, request.args)
    try:
        require_offered(event_type=offered, start=start, duration=wanted.duration, hold=own)
    except StartRefused as refusal:
        return _form_page(wanted, guest_form(offered, link=link), refusal=refusal)
    return _form_page(wanted, guest_form(offered, link=link))


@blueprint.post("/book/<organization>/<event_type>/confirm")
def confirm(organization: str, event_type: str) -> ResponseReturnValue:
    """Book, and show what was booked; or show the form again with what was typed."""
    offered, link = open_event_type(organization, event_type)
    start = read_start(request.form.get("start", ""))
    filled = guest_form(offered, request.form)
    if start is None:
        return _without_a_start(offered, filled)
    wanted = _wanted(offered, start, request.form)
    repeat = series_form(offered, request.form)
    if not all([filled.validate(), repeat.validate()]):
        return _form_page(wanted, filled, status=422, repeat=repeat)
    return _book_or_ask_again(wanted, filled, repeat, link)


def _book_or_ask_again(
    wanted: _Wanted, filled: GuestForm, repeat: SeriesForm, link: BookingLink | None
) -> ResponseReturnValue:
    try:
        token = _book_even_if_just_held(wanted, filled, repeat, link)
    except StartRefused as refusal:
        return _form_page(wanted, filled, refusal=refusal, repeat=repeat)
    except OccurrencesRefused as refused:
        return _form_page(wanted, filled, status=refused.status, repeat=repeat, refused=refused)
    except InvalidInput as invalid:
        errors = show_errors(filled, invalid.errors)
        return _form_page(wanted, filled, status=422, errors=errors, repeat=repeat)
    except KeyReused:
        sent = _("This form was already sent with other details: look for the confirmation in your inbox first.")
        return _form_page(wanted, filled, status=409, errors=[sent])
    return redirect(_page_of_booking(wanted.event_type, token), 303)


def _page_of_booking(event_type: EventType, token: str) -> str:
    """Return where a new booking is shown: its own page, or one that stays in the frame of somebody else's site."""
    if request.blueprint != "embed":
        return url_for("manage.show", token=token, new=1)
    return url_for(".booked", organization=event_type.organization.slug, event_type=event_type.slug, token=token)


class _Wanted(NamedTuple):
    """What somebody is about to book; `duration` in minutes, None for the usual one."""

    event_type: EventType
    start: datetime
    zone: ZoneInfo
    duration: int | None

    @property
    def end(self) -> datetime:
        return self.start + timedelta(minutes=self.duration or self.event_type.duration)


def _wanted(event_type: EventType, start: datetime, arguments: Mapping[str, str]) -> _Wanted:
    wish = read_wish(arguments)
    zone = wish.zone or clock.find_zone(event_type.organization.timezone)
    return _Wanted(event_type, start, zone, unusual_duration(event_type, wish))


def _book_even_if_just_held(wanted: _Wanted, filled: GuestForm, repeat: SeriesForm, link: BookingLink | None) -> str:
    """Book as `_book_once` does, also when the form's script has the time kept in the very moment the form comes in.

    Then who stands in the guest's way is the guest, whose hold can be found by now.
    """
    try:
        return _book_once(wanted, filled, repeat, link)
    except (SlotTaken, OccurrencesRefused):
        if own_hold(wanted.event_type, wanted.start, request.form) is None:
            raise
    return _book_once(wanted, filled, repeat, link)


def _book_once(wanted: _Wanted, filled: GuestForm, repeat: SeriesForm, link: BookingLink | None) -> str:
    """Book and return the manage token; the same form sent twice books once and returns the same token."""
    key = form_key()
    start, zone = wanted.start.isoformat(), wanted.zone.key
    skip = sorted(filter(None, map(read_start, request.form.getlist("skip"))))
    body = {
        "start": start,
        "timezone": zone,
        "duration": wanted.duration,
        "skip": skip,
        **filled.typed(),
        **repeat.data,
    }
    with transaction():
        if earlier := earlier_answer(scope=request.path[:200], key=key, body=body):
            booking = queries.get_booking(wanted.event_type.organization_id, UUID(earlier["booking_id"]))
        else:
            booking = _book(wanted, filled, repeat.recurrence(skip), link)
            remember_answer(scope=request.path[:200], key=key, answer={"booking_id": str(booking.id)})
    return manage_token(booking)


def _book(wanted: _Wanted, filled: GuestForm, recurrence: Recurrence | None, link: BookingLink | None) -> Booking:
    """Book what is wanted; of a series, return the first booking."""
    once: dict[str, Any] = {
        "event_type": wanted.event_type,
        "start": wanted.start,
        "duration": wanted.duration,
        "hold": own_hold(wanted.event_type, wanted.start, request.form),
        "guest": filled.guest(timezone=wanted.zone.key, locale=reader_tag()),
        "answers": filled.answers(),
        "attendees": filled.brought_along(),
        "link": link,
    }
    return book_series(recurrence=recurrence, **once)[0] if recurrence else book(**once)


def _without_a_start(event_type: EventType, filled: GuestForm) -> ResponseReturnValue:
    """Offer again the times that a refusal offered, when none of them was chosen; else lead back to the calendar."""
    refused = read_start(request.form.get("refused", ""))
    if refused is None:
        return _back_to_choose(event_type)
    wanted = _wanted(event_type, refused, request.form)
    if not nearest_slots(**wanted._asdict()):
        return _back_to_choose(event_type)
    return _form_page(wanted, filled, refusal=StartRefused(_("Please choose one of these times.")))


def _back_to_choose(event_type: EventType) -> ResponseReturnValue:
    flash(_("Please choose a time first."), "info")
    return redirect(url_for(".choose", organization=event_type.organization.slug, event_type=event_type.slug), 303)


def _form_page(
    wanted: _Wanted,
    filled: GuestForm,
    *,
    refusal: StartRefused | None = None,
    status: int = 200,
    errors: list[str] | None = None,
    repeat: SeriesForm | None = None,
    refused: OccurrencesRefused | None = None,
) -> Response:
    """Return the form; with a refused start it offers the free times nearest to it instead."""
    others = nearest_slots(**wanted._asdict()) if refusal else []
    page = render_template(
        "scheduling/guest/form.html",
        **wanted._asdict(),
        end=wanted.end,
        start_value=start_value(wanted.start),
        form=filled,
        refusal=refusal,
        others=others,
        errors=errors or [],
        repeat=repeat or series_form(wanted.event_type),
        host_zone=clock.find_zone(wanted.event_type.schedule.timezone),
        refused=refused.refused if refused else (),
        idempotency_key=new_form_key(),
        hold=form_token(request.form),
    )
    response = make_response(page, refusal.status if refusal else status)
    response.headers["Cache-Control"] = "no-store"
    return response
