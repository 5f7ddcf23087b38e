"""Times that a host keeps free of guests, once or again and again."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from webapp.core import clock
from webapp.core.clock import find_day, find_zone
from webapp.core.db import transaction
from webapp.core.validation import InvalidInput
from webapp.identity.access import current_member, signed_in
from webapp.scheduling import queries
from webapp.scheduling.forms import show_errors
from webapp.scheduling.forms.blocks import (
    BlockForm,
    RecurringForm,
    block_form,
    form_of_block,
    form_of_recurring,
    recurring_form,
)
from webapp.scheduling.models import BlockedTime, RecurringBlock
from webapp.scheduling.service import blocks
from webapp.scheduling.views.misfits import after_change
from webapp.scheduling.views.rule_words import rule_words
from webapp.web.languages import told

blueprint = Blueprint("blocks", __name__, url_prefix="/app/availability/blocks")

_SHOWN = 6  # dates of a recurring block


@blueprint.get("")
@signed_in
def index() -> str:
    """List what is blocked, with the forms to block more."""
    return _page()


@blueprint.post("")
@signed_in
def create() -> ResponseReturnValue:
    """Block one time."""
    member, form = current_member(), block_form(*_here(), request.form)
    if not form.validate():
        return _page(once=form), 422
    try:
        with transaction():
            blocks.block_time(organization_id=member.organization_id, host_id=member.user_id, details=form.details())
    except InvalidInput as invalid:
        return _page(once=form, errors=_shown(form, invalid)), 422
    flash(_("Blocked. Guests cannot book you then any more; bookings already made stay."), "success")
    return after_change(url_for("blocks.index"))


@blueprint.post("/recurring")
@signed_in
def create_recurring() -> ResponseReturnValue:
    """Block a time again and again."""
    member, form = current_member(), recurring_form(*_here(), request.form)
    if not form.validate():
        return _page(again=form), 422
    try:
        with transaction():
            blocks.block_recurring(
                organization_id=member.organization_id, host_id=member.user_id, details=form.details()
            )
    except InvalidInput as invalid:
        return _page(again=form, errors=_shown(form, invalid)), 422
    flash(_("Blocked. Guests cannot book you at these times any more; bookings already made stay."), "success")
    return after_change(url_for("blocks.index"))


@blueprint.get("/<uuid:block_id>")
@signed_in
def edit(block_id: UUID) -> str:
    """Show the form that changes a blocked time."""
    return _edit_page(form_of_block(_once(block_id)))


@blueprint.post("/<uuid:block_id>")
@signed_in
def update(block_id: UUID) -> ResponseReturnValue:
    """Change a blocked time."""
    found = _once(block_id)
    form = form_of_block(found, request.form)
    if not form.validate():
        return _edit_page(form), 422
    try:
        with transaction():
            blocks.change_block(block=found, details=form.details())
    except InvalidInput as invalid:
        return _edit_page(form, errors=_shown(form, invalid)), 422
    flash(_("Saved."), "success")
    return after_change(url_for("blocks.index"))


@blueprint.post("/<uuid:block_id>/delete")
@signed_in
def delete(block_id: UUID) -> ResponseReturnValue:
    """Let guests have a time again."""
    found = _once(block_id)
    with transaction():
        blocks.unblock(block=found)
    flash(_("Guests can book you then again."), "success")
    return redirect(url_for("blocks.index"), 303)


@blueprint.get("/recurring/<uuid:block_id>")
@signed_in
def edit_recurring(block_id: UUID) -> str:
    """Show the form that changes a recurring block."""
    return _edit_page(form_of_recurring(_again(block_id)))


@blueprint.post("/recurring/<uuid:block_id>")
@signed_in
def update_recurring(block_id: UUID) -> ResponseReturnValue:
    """Change a recurring block; the days left out stay so."""
    found = _again(block_id)
    form = form_of_recurring(found, request.form)
    if not form.validate():
        return _edit_page(form), 422
    try:
        with transaction():
            blocks.change_recurring(block=found, details=form.details(except_days=None))
    except InvalidInput as invalid:
        return _edit_page(form, errors=_shown(form, invalid)), 422
    flash(_("Saved."), "success")
    return after_change(url_for("blocks.index"))


@blueprint.post("/recurring/<uuid:block_id>/days")
@signed_in
def leave_out(block_id: UUID) -> ResponseReturnValue:
    """Leave one of the days of a recurring block out (`left_out=yes`), or take it in again."""
    found, left_out = _again(block_id), request.form.get("left_out") == "yes"
    try:
        with transaction():
            day = find_day(request.form.get("day", ""))
            blocks.leave_out(block=found, day=day, left_out=left_out)
    except InvalidInput as invalid:
        flash(told(invalid.errors[0].message), "error")
    except ValueError:
        flash(_("That is not a date."), "error")
    else:
        if not left_out:
            return after_change(url_for("blocks.index"))
    return redirect(url_for("blocks.index"), 303)


@blueprint.post("/recurring/<uuid:block_id>/delete")
@signed_in
def delete_recurring(block_id: UUID) -> ResponseReturnValue:
    """Let guests have the times again."""
    found = _again(block_id)
    with transaction():
        blocks.unblock(block=found)
    flash(_("Guests can book you at these times again."), "success")
    return redirect(url_for("blocks.index"), 303)


def _once(block_id: UUID) -> BlockedTime:
    member = current_member()
    return queries.get_blocked_time(member.organization_id, block_id, host_id=member.user_id)


def _again(block_id: UUID) -> RecurringBlock:
    member = current_member()
    return queries.get_recurring_block(member.organization_id, block_id, host_id=member.user_id)


def _here() -> tuple[ZoneInfo, date]:
    """Return the member's zone, and the date in it."""
    zone = find_zone(current_member().user.timezone)
    return zone, clock.now().astimezone(zone).date()


def _last_day(block: BlockedTime, zone: ZoneInfo) -> date:
    """Return the last of the whole days that are blocked."""
    return (block.ends_at.astimezone(zone) - timedelta(microseconds=1)).date()


def _shown(form: BlockForm | RecurringForm, invalid: InvalidInput) -> list[str]:
    return show_errors(form, invalid.errors)


def _page(*, once: BlockForm | None = None, again: RecurringForm | None = None, errors: list[str] | None = None) -> str:
    member, (zone, today) = current_member(), _here()
    whose = {"organization_id": member.organization_id, "host_id": member.user_id}
    recurring = queries.recurring_blocks(**whose)
    return render_template(
        "scheduling/host/blocks.html",
        once=once or block_form(zone, today),
        again=again or recurring_form(zone, today),
        errors=errors or [],
        blocked=[(block, find_zone(block.timezone)) for block in queries.blocked_times(**whose, after=clock.now())],
        last_day=_last_day,
        rule_words=rule_words,
        recurring=[(block, blocks.next_days(block, after=today, most=_SHOWN)) for block in recurring],
    )


def _edit_page(form: BlockForm | RecurringForm, *, errors: list[str] | None = None) -> str:
    return render_template("scheduling/host/block.html", form=form, errors=errors or [])
