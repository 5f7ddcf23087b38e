"""Bookings that no longer fit when their host can be booked: keep them, ask their guests to move, or cancel them."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from webapp.core import clock
from webapp.core.db import transaction
from webapp.core.errors import DomainError
from webapp.identity.access import current_member, signed_in
from webapp.scheduling.forms.booking import CancelForm
from webapp.scheduling.service.impact import Answer, Misfit, Misfits, answer_misfit, misfits
from webapp.web.languages import told

blueprint = Blueprint("misfits", __name__, url_prefix="/app/availability/bookings")


@blueprint.get("")
@signed_in
def index() -> str:
    """List the member's bookings that no longer fit."""
    return _page(CancelForm())


@blueprint.post("")
@signed_in
def answer() -> ResponseReturnValue:
    """Do with the chosen bookings, each by itself, what the pressed button says."""
    form = CancelForm(request.form)
    wanted, chosen = request.form.get("answer", ""), request.form.getlist("booking")
    if wanted not in set(Answer):
        return _back(_("Please say what to do with them."))
    if not form.validate():
        return _page(form), 422
    found = [misfit for misfit in _own().items if str(misfit.booking.id) in chosen]
    if not found:
        return _back(_("Please choose at least one booking."))
    _tell(Answer(wanted), _answer_each(found, Answer(wanted), (form.reason.data or "").strip()))
    return redirect(url_for("misfits.index"), 303)


def after_change(address: str) -> ResponseReturnValue:
    """Lead on after a change of when the member can be booked: to the bookings that no longer fit, if there are any."""
    found = len(_own().items)
    if not found:
        return redirect(address, 303)
    words = ngettext(
        "%(num)d booking no longer fits. Say what should become of it.",
        "%(num)d bookings no longer fit. Say what should become of them.",
        found,
    )
    flash(words, "warning")
    return redirect(url_for("misfits.index"), 303)


def _own() -> Misfits:
    member = current_member()
    return misfits(organization_id=member.organization_id, host_id=member.user_id)


def _answer_each(found: Iterable[Misfit], wanted: Answer, reason: str) -> list[UUID]:
    """Return the bookings with which it was done; what could not be done says so."""
    done = []
    for booking, start in [(misfit.booking, misfit.booking.starts_at) for misfit in found]:
        try:
            with transaction():
                is_done = answer_misfit(booking=booking, start=start, answer=wanted, reason=reason)
        except DomainError as refusal:
            flash(f"{booking.guest_name}: {told(refusal)}", "error")
            continue
        if is_done:
            done.append(booking.id)
        else:
            moved = _("%(guest)s has moved the booking meanwhile, so it was left alone.", guest=booking.guest_name)
            flash(moved, "info")
    return done


def _tell(wanted: Answer, done: list[UUID]) -> None:
    if not done:
        return
    told = {
        Answer.KEEP: ngettext("%(num)d booking is kept.", "%(num)d bookings are kept.", len(done)),
        Answer.MOVE: ngettext(
            "%(num)d guest is being asked to choose another time.",
            "%(num)d guests are being asked to choose another time.",
            len(done),
        ),
        Answer.CANCEL: ngettext(
            "%(num)d booking is cancelled, and its guest is being told.",
            "%(num)d bookings are cancelled, and their guests are being told.",
            len(done),
        ),
    }
    flash(told[wanted], "success")


def _back(fault: str) -> ResponseReturnValue:
    flash(fault, "error")
    return redirect(url_for("misfits.index"), 303)


def _page(form: CancelForm) -> str:
    zone = clock.find_zone(current_member().user.timezone)
    return render_template("scheduling/host/misfits.html", misfits=_own(), form=form, zone=zone)
