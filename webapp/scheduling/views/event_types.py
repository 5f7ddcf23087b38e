"""What a host offers: the list, the form with its questions, switching on and off, deleting."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from webapp.core.db import transaction
from webapp.core.settings import settings
from webapp.core.validation import FieldError, InvalidInput
from webapp.identity.access import current_member, signed_in
from webapp.identity.models import User
from webapp.identity.queries import active_members
from webapp.scheduling import queries
from webapp.scheduling.errors import InUse, SlugTaken
from webapp.scheduling.forms.event_type import (
    EventTypeForm,
    edit_rows,
    event_type_form,
    new_event_type_form,
    offer_schedules,
)
from webapp.scheduling.models import EventType, Schedule
from webapp.scheduling.service.copies import copy_event_type
from webapp.scheduling.service.event_types import (
    create_event_type,
    delete_event_type,
    set_active,
    update_event_type,
)
from webapp.scheduling.service.named_schedules import choose_schedule
from webapp.scheduling.service.teams import schedule_of
from webapp.scheduling.views.host import visible_host
from webapp.web.languages import told

blueprint = Blueprint("event_types", __name__, url_prefix="/app/event-types")


@blueprint.get("")
@signed_in
def index() -> str:
    """List the member's event types; those of everybody for who manages the organisation."""
    member = current_member()
    found = queries.event_types(organization_id=member.organization_id, host_id=visible_host(member))
    return render_template(
        "scheduling/host/event_types.html", member=member, event_types=found, public_url=settings().public_url
    )


@blueprint.get("/new")
@signed_in
def new() -> str:
    """Show the form for a new event type."""
    return _form_page(None, _new_form())


@blueprint.post("/new")
@signed_in
def create() -> ResponseReturnValue:
    """Create an event type of the member's own."""
    member, form = current_member(), _new_form(request.form)
    if answer := _before_saving(None, form):
        return answer
    try:
        with transaction():
            made = create_event_type(
                organization_id=member.organization_id,
                host_id=member.user_id,
                schedule=_chosen(form, member.user_id)
                or schedule_of(organization_id=member.organization_id, host=member.user),
                details=form.details(),
            )
    except (InvalidInput, SlugTaken) as refused:
        return _refused(None, form, refused)
    flash(_("“%(name)s” can be booked now.", name=made.name), "success")
    return redirect(url_for("event_types.index"), 303)


@blueprint.get("/<uuid:event_type_id>")
@signed_in
def edit(event_type_id: UUID) -> str:
    """Show the form that changes an event type."""
    found = _own(event_type_id)
    return _form_page(found, _form_of(found))


@blueprint.post("/<uuid:event_type_id>")
@signed_in
def update(event_type_id: UUID) -> ResponseReturnValue:
    """Change an event type."""
    found = _own(event_type_id)
    form = _form_of(found, request.form)
    if answer := _before_saving(found, form):
        return answer
    try:
        with transaction():
            update_event_type(event_type=found, details=form.details())
            if not found.is_team and (schedule := _chosen(form, found.host_id)):
                choose_schedule(event_type=found, schedule=schedule)
    except (InvalidInput, SlugTaken) as refused:
        return _refused(found, form, refused)
    flash(_("Saved. Bookings already made keep their times."), "success")
    return redirect(url_for("event_types.index"), 303)


@blueprint.post("/<uuid:event_type_id>/active")
@signed_in
def switch(event_type_id: UUID) -> ResponseReturnValue:
    """Open an event type to guests (`active=yes`), or close it."""
    found, active = _own(event_type_id), request.form.get("active") == "yes"
    with transaction():
        set_active(event_type=found, active=active)
    message = _("“%(name)s” can be booked again.") if active else _("“%(name)s” cannot be booked any more.")
    flash(message % {"name": found.name}, "success")
    return redirect(url_for("event_types.index"), 303)


@blueprint.post("/<uuid:event_type_id>/copy")
@signed_in
def copy(event_type_id: UUID) -> ResponseReturnValue:
    """Make an event type on the same terms, and show it to be edited."""
    found = _own(event_type_id)
    with transaction():
        made = copy_event_type(event_type=found, name=_("%(name)s (copy)", name=found.name[:100]))
    flash(_("This is the copy. Guests cannot see it until you switch it on."), "success")
    return redirect(url_for("event_types.edit", event_type_id=made.id), 303)


@blueprint.post("/<uuid:event_type_id>/delete")
@signed_in
def delete(event_type_id: UUID) -> ResponseReturnValue:
    """Delete an event type that was never booked."""
    found = _own(event_type_id)
    name = found.name
    try:
        with transaction():
            delete_event_type(event_type=found)
    except InUse as refusal:
        flash(told(refusal), "error")
    else:
        flash(_("“%(name)s” is deleted.", name=name), "success")
    return redirect(url_for("event_types.index"), 303)


def _own(event_type_id: UUID) -> EventType:
    member = current_member()
    return queries.get_event_type(member.organization_id, event_type_id, host_id=visible_host(member))


def _colleagues() -> list[User]:
    """Return whom the member may have host together: everybody active, for who manages the organisation."""
    member = current_member()
    return [each.user for each in active_members(member.organization_id)] if member.role.administers else []


def _new_form(typed: MultiDict[str, str] | None = None) -> EventTypeForm:
    member = current_member()
    own = queries.schedules(organization_id=member.organization_id, host_id=member.user_id)
    return offer_schedules(new_event_type_form(_colleagues(), typed), own)


def _form_of(event_type: EventType, typed: MultiDict[str, str] | None = None) -> EventTypeForm:
    own = queries.schedules(organization_id=event_type.organization_id, host_id=event_type.host_id)
    return offer_schedules(event_type_form(event_type, _colleagues(), typed), own, chosen=event_type.schedule_id)


def _chosen(form: EventTypeForm, host_id: UUID) -> Schedule | None:
    """Return the chosen one of the host's schedules; None where there is none yet."""
    if not form.schedule_id.data:
        return None
    return queries.get_schedule(current_member().organization_id, UUID(form.schedule_id.data), host_id=host_id)


def _before_saving(event_type: EventType | None, form: EventTypeForm) -> ResponseReturnValue | None:
    """Return the form again when a button of the questions was pressed or a field is wrong, None to go on and save."""
    if action := request.form.get("action"):
        edit_rows(form, action)
        return _form_page(event_type, form)
    return None if form.validate() else (_form_page(event_type, form), 422)


def _refused(
    event_type: EventType | None, form: EventTypeForm, refused: InvalidInput | SlugTaken
) -> ResponseReturnValue:
    errors = refused.errors if isinstance(refused, InvalidInput) else (FieldError("slug", str(refused)),)
    return _form_page(event_type, form, errors=form.show(errors)), refused.status


def _form_page(event_type: EventType | None, form: EventTypeForm, *, errors: list[str] | None = None) -> str:
    return render_template(
        "scheduling/host/event_type.html",
        event_type=event_type,
        form=form,
        errors=errors or [],
        organization=current_member().organization,
        public_url=settings().public_url,
    )
