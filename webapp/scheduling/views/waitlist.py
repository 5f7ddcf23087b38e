"""Waiting for a time that is taken: the form, and the page of who waits, by the link of their e-mail.

Programs that scan mail follow links, so that GET changes nothing.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from webapp.core import clock
from webapp.core.db import transaction
from webapp.core.errors import Conflict, DomainError, NotFound
from webapp.core.idempotency import KeyReused, earlier_answer, remember_answer
from webapp.core.settings import settings
from webapp.core.validation import InvalidInput
from webapp.core.words import say
from webapp.scheduling import queries
from webapp.scheduling.errors import AlreadyWaiting, StartRefused, StillFree
from webapp.scheduling.forms import show_errors
from webapp.scheduling.forms.booking import GuestForm, guest_form
from webapp.scheduling.models import EventType, WaitlistEntry, WaitStatus
from webapp.scheduling.places import place_of
from webapp.scheduling.service import waitlist
from webapp.scheduling.service.booking import manage_token
from webapp.scheduling.service.links import book_again_url, require_may_wait
from webapp.scheduling.views.given_link import open_event_type
from webapp.scheduling.views.picker import read_start, read_wish, start_value, unusual_duration
from webapp.web.extensions import limiter
from webapp.web.forms import form_key, new_form_key
from webapp.web.languages import told
from webapp.web.times import reader_tag

blueprint = Blueprint("waitlist", __name__)
limiter.limit(lambda: settings().rate_limit_public)(blueprint)


@blueprint.after_request
def _keep_private(response: Response) -> Response:
    """The address of a place in line is its key: no cache keeps the page and no search engine lists it."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


class _Wanted(NamedTuple):
    """What somebody is about to wait for: a start or a whole day, in their zone; `duration` as in the booking form."""

    event_type: EventType
    start: datetime | None
    day: date | None
    zone: ZoneInfo
    duration: int | None

    @property
    def what(self) -> datetime | date | None:
        return self.start or self.day

    @property
    def end(self) -> datetime | None:
        return self.start and self.start + timedelta(minutes=self.duration or self.event_type.duration)


@blueprint.get("/book/<organization>/<event_type>/waitlist")
def ask(organization: str, event_type: str) -> ResponseReturnValue:
    """Ask who waits for the time or the day that the address names."""
    wanted = _wanted(organization, event_type, request.args)
    return _form_page(wanted, guest_form(wanted.event_type)) if wanted.what else _back(wanted)


@blueprint.post("/book/<organization>/<event_type>/waitlist")
def join(organization: str, event_type: str) -> ResponseReturnValue:
    """Put the guest in line, and show in which place."""
    wanted = _wanted(organization, event_type, request.form)
    filled = guest_form(wanted.event_type, request.form)
    if not wanted.what:
        return _back(wanted)
    if not filled.validate():
        return _form_page(wanted, filled, status=422)
    try:
        token = _join_once(wanted, wanted.what, filled)
    except StillFree as free:
        flash(told(free), "info")
        return _back(wanted)
    except (InvalidInput, AlreadyWaiting, StartRefused, KeyReused) as refusal:
        return _form_page(wanted, filled, status=refusal.status, errors=_errors(filled, refusal))
    return redirect(url_for("waitlist.show", token=token, new=1), 303)


def _errors(filled: GuestForm, refusal: DomainError) -> list[str]:
    """Put what belongs to a field beside it; return what belongs to none."""
    return show_errors(filled, refusal.errors) if isinstance(refusal, InvalidInput) else [told(refusal)]


@blueprint.get("/waitlist/<token>")
def show(token: str) -> str:
    """Show the place in line, or the offer, or what became of it."""
    entry = queries.entry_by_token(token)
    return _entry_page(token, entry, _answers_form(entry), is_new=request.args.get("new") == "1")


@blueprint.post("/waitlist/<token>/accept")
def accept(token: str) -> ResponseReturnValue:
    """Book the time on offer."""
    entry = queries.entry_by_token(token)
    filled = _answers_form(entry, request.form)
    try:
        with transaction():
            booking = waitlist.accept(entry=entry, answers=filled.answers())
    except InvalidInput as invalid:
        return _entry_page(token, queries.entry_by_token(token), filled, errors=_errors(filled, invalid)), 422
    except (Conflict, StartRefused) as refusal:
        return _told(token, refusal)
    return redirect(url_for("manage.show", token=manage_token(booking), new=1), 303)


@blueprint.post("/waitlist/<token>/refuse")
def refuse(token: str) -> ResponseReturnValue:
    """Pass the offer on to the next in line."""
    try:
        with transaction():
            waitlist.refuse(entry=queries.entry_by_token(token))
    except Conflict as refusal:
        return _told(token, refusal)
    return redirect(url_for("waitlist.show", token=token), 303)


@blueprint.post("/waitlist/<token>/leave")
def leave(token: str) -> ResponseReturnValue:
    """Wait no longer."""
    try:
        with transaction():
            waitlist.leave(entry=queries.entry_by_token(token))
    except Conflict as refusal:
        return _told(token, refusal)
    return redirect(url_for("waitlist.show", token=token), 303)


def _wanted(organization: str, slug: str, sent: MultiDict[str, str]) -> _Wanted:
    event_type, link = open_event_type(organization, slug)
    require_may_wait(link)
    if not event_type.waitlist_enabled:
        raise NotFound(say("There is no waitlist here."))
    wish, start = read_wish(sent), read_start(sent.get("start", ""))
    zone = wish.zone or clock.find_zone(event_type.organization.timezone)
    return _Wanted(event_type, start, None if start else wish.day, zone, unusual_duration(event_type, wish))


def _join_once(wanted: _Wanted, what: datetime | date, filled: GuestForm) -> str:
    """Join and return the token of the place in line; the same form sent twice joins once and returns the same."""
    key = form_key()
    body = {"wanted": what, "duration": wanted.duration, **filled.typed()}
    with transaction():
        if earlier := earlier_answer(scope=request.path[:200], key=key, body=body):
            entry = queries.get_waitlist_entry(wanted.event_type.organization_id, UUID(earlier["entry_id"]))
        else:
            entry = waitlist.join(
                event_type=wanted.event_type,
                guest=filled.guest(timezone=wanted.zone.key, locale=reader_tag()),
                answers=filled.answers(),
                wanted=what,
                duration=wanted.duration,
            )
            remember_answer(scope=request.path[:200], key=key, answer={"entry_id": str(entry.id)})
    return waitlist.waitlist_token(entry)


def _answers_form(entry: WaitlistEntry, sent: MultiDict[str, str] | None = None) -> GuestForm:
    """Return the questions with what was answered on joining, or with what is sent now."""
    joined = MultiDict(
        (f"answers.{key}", str(each))
        for key, answer in entry.answers.items()
        for each in (answer if isinstance(answer, list) else [answer])
    )
    return guest_form(entry.event_type, joined if sent is None else sent)


def _form_page(wanted: _Wanted, filled: GuestForm, *, status: int = 200, errors: list[str] | None = None) -> Response:
    page = render_template(
        "scheduling/waitlist/join.html",
        **wanted._asdict(),
        end=wanted.end,
        start_value=start_value(wanted.start) if wanted.start else "",
        form=filled,
        errors=errors or [],
        idempotency_key=new_form_key(),
    )
    return make_response(page, status)


def _entry_page(
    token: str, entry: WaitlistEntry, form: GuestForm, *, is_new: bool = False, errors: list[str] | None = None
) -> str:
    start = entry.offered_start or (None if entry.day else entry.wanted_from)
    offered = entry.status is WaitStatus.OFFERED and bool(entry.offer_expires_at)
    return render_template(
        "scheduling/waitlist/show.html",
        token=token,
        entry=entry,
        event_type=entry.event_type,
        place=place_of(entry.event_type),
        zone=clock.find_zone(entry.guest_timezone),
        start=start,
        end=start + timedelta(minutes=entry.duration) if start else None,
        has_offer=offered and entry.offer_expires_at is not None and entry.offer_expires_at > clock.now(),
        position=waitlist.position(entry) if entry.status is WaitStatus.WAITING else None,
        is_new=is_new,
        form=form,
        errors=errors or [],
        book_url=book_again_url(entry.event_type),
    )


def _told(token: str, refusal: DomainError) -> ResponseReturnValue:
    """Return to the page, which says how things stand, and say why nothing was done."""
    flash(told(refusal), "error")
    return redirect(url_for("waitlist.show", token=token), 303)


def _back(wanted: _Wanted) -> ResponseReturnValue:
    """Lead to the calendar, where a time or a day can be chosen."""
    day = wanted.start.astimezone(wanted.zone).date() if wanted.start else wanted.day
    address = url_for(
        "guest.choose",
        organization=wanted.event_type.organization.slug,
        event_type=wanted.event_type.slug,
        day=day.isoformat() if day else None,
        timezone=wanted.zone.key,
    )
    return redirect(address, 303)
