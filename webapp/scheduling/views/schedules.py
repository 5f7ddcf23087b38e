"""Several schedules of one host: make, name, copy, choose and delete them."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from webapp.core.db import transaction
from webapp.core.errors import Conflict
from webapp.core.validation import InvalidInput
from webapp.identity.access import current_member, signed_in
from webapp.scheduling import queries
from webapp.scheduling.models import Schedule
from webapp.scheduling.service.named_schedules import (
    choose_schedule,
    copy_schedule,
    delete_schedule,
    make_default,
    rename_schedule,
)
from webapp.scheduling.service.schedules import create_schedule
from webapp.scheduling.views.misfits import after_change
from webapp.web.languages import told

blueprint = Blueprint("schedules", __name__, url_prefix="/app/availability/schedules")


@blueprint.post("")
@signed_in
def create() -> ResponseReturnValue:
    """Make another schedule, with office hours to begin with."""
    member = current_member()
    try:
        with transaction():
            made = create_schedule(
                organization_id=member.organization_id,
                host_id=member.user_id,
                timezone=member.user.timezone,
                name=request.form.get("name", ""),
            )
    except (InvalidInput, Conflict) as refused:
        return _refused(refused, None)
    flash(_("“%(name)s” is there. Now set its hours.", name=made.name), "success")
    return _to(made.id)


@blueprint.post("/<uuid:schedule_id>/name")
@signed_in
def rename(schedule_id: UUID) -> ResponseReturnValue:
    """Give a schedule another name."""
    found = _own(schedule_id)
    try:
        with transaction():
            rename_schedule(schedule=found, name=request.form.get("name", ""))
    except InvalidInput as invalid:
        return _refused(invalid, schedule_id)
    flash(_("It is called “%(name)s” now.", name=found.name), "success")
    return _to(schedule_id)


@blueprint.post("/<uuid:schedule_id>/copy")
@signed_in
def copy(schedule_id: UUID) -> ResponseReturnValue:
    """Make another schedule that says the same."""
    found = _own(schedule_id)
    try:
        with transaction():
            made = copy_schedule(schedule=found, name=_("Copy of %(name)s", name=found.name)[:80])
    except Conflict as conflict:
        return _refused(conflict, schedule_id)
    flash(_("“%(name)s” is there, with the same hours.", name=made.name), "success")
    return _to(made.id)


@blueprint.post("/<uuid:schedule_id>/default")
@signed_in
def default(schedule_id: UUID) -> ResponseReturnValue:
    """Have new event types go by a schedule."""
    found = _own(schedule_id)
    with transaction():
        make_default(schedule=found)
    flash(_("“%(name)s” is your default now. Event types keep the hours they have.", name=found.name), "success")
    return _to(schedule_id)


@blueprint.post("/<uuid:schedule_id>/use")
@signed_in
def use(schedule_id: UUID) -> ResponseReturnValue:
    """Offer an event type by a schedule."""
    found, member = _own(schedule_id), current_member()
    hosted = queries.hosted_event_types(organization_id=member.organization_id, host_id=member.user_id)
    chosen = next((each for each in hosted if str(each.id) == request.form.get("event_type")), None)
    if chosen is None:
        flash(_("Please choose an event type that you host."), "error")
        return _to(schedule_id)
    with transaction():
        choose_schedule(event_type=chosen, schedule=found)
    flash(_("“%(event)s” goes by “%(name)s” now.", event=chosen.name, name=found.name), "success")
    return after_change(url_for("availability.show", schedule_id=schedule_id))


@blueprint.post("/<uuid:schedule_id>/delete")
@signed_in
def delete(schedule_id: UUID) -> ResponseReturnValue:
    """Delete a schedule that nothing goes by."""
    found = _own(schedule_id)
    name = found.name
    try:
        with transaction():
            delete_schedule(schedule=found)
    except Conflict as conflict:
        return _refused(conflict, schedule_id)
    flash(_("“%(name)s” is deleted.", name=name), "success")
    return _to(None)


def _own(schedule_id: UUID) -> Schedule:
    member = current_member()
    return queries.get_schedule(member.organization_id, schedule_id, host_id=member.user_id)


def _refused(refused: InvalidInput | Conflict, schedule_id: UUID | None) -> ResponseReturnValue:
    reasons = [error.message for error in refused.errors] if isinstance(refused, InvalidInput) else [refused]
    for reason in reasons:
        flash(told(reason), "error")
    return _to(schedule_id)


def _to(schedule_id: UUID | None) -> ResponseReturnValue:
    return redirect(url_for("availability.show", schedule_id=schedule_id), 303)
