"""The links of an event type: its secret one, and those that book once."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from webapp.core import clock
from webapp.core.db import transaction
from webapp.core.validation import InvalidInput
from webapp.identity.access import current_member, signed_in
from webapp.scheduling import queries
from webapp.scheduling.forms import show_errors
from webapp.scheduling.forms.links import LinkForm
from webapp.scheduling.models import EventType
from webapp.scheduling.service.links import create_link, delete_link, link_url, page_url, renew_secret_link
from webapp.scheduling.views.host import visible_host

blueprint = Blueprint("event_links", __name__, url_prefix="/app/event-types/<uuid:event_type_id>")
blueprint.add_app_template_global(page_url)


@blueprint.get("/links")
@signed_in
def index(event_type_id: UUID) -> str:
    """List the links, with the form for a new one."""
    return _links_page(_own(event_type_id), LinkForm())


@blueprint.post("/links")
@signed_in
def create(event_type_id: UUID) -> ResponseReturnValue:
    """Make a link that books once."""
    found, form, member = _own(event_type_id), LinkForm(request.form), current_member()
    if not form.validate():
        return _links_page(found, form), 422
    try:
        with transaction():
            create_link(
                event_type=found,
                created_by=member.user_id,
                guest_name=form.guest_name.data or "",
                guest_email=form.guest_email.data or "",
                expires_at=form.end(clock.find_zone(member.user.timezone)),
            )
    except InvalidInput as invalid:
        show_errors(form, invalid.errors)
        return _links_page(found, form), 422
    flash(_("The link is made; it is the first of the list."), "success")
    return redirect(url_for("event_links.index", event_type_id=found.id, _anchor="single"), 303)


@blueprint.post("/links/<uuid:link_id>/delete")
@signed_in
def delete(event_type_id: UUID, link_id: UUID) -> ResponseReturnValue:
    """Take a link back."""
    found = _own(event_type_id)
    with transaction():
        delete_link(link=queries.get_booking_link(found, link_id))
    flash(_("The link is gone, and opens nothing any more."), "success")
    return redirect(url_for("event_links.index", event_type_id=found.id), 303)


@blueprint.post("/secret-link/renew")
@signed_in
def renew(event_type_id: UUID) -> ResponseReturnValue:
    """Give a secret event type another link."""
    found = _own(event_type_id)
    with transaction():
        renew_secret_link(event_type=found)
    flash(_("“%(name)s” has a new secret link. The old one opens nothing any more.", name=found.name), "success")
    return redirect(url_for("event_links.index", event_type_id=found.id), 303)


def _own(event_type_id: UUID) -> EventType:
    member = current_member()
    return queries.get_event_type(member.organization_id, event_type_id, host_id=visible_host(member))


def _links_page(event_type: EventType, form: LinkForm) -> str:
    return render_template(
        "scheduling/host/links.html",
        event_type=event_type,
        form=form,
        links=[(link, link_url(event_type, link)) for link in queries.booking_links(event_type)],
        zone=clock.find_zone(current_member().user.timezone),
        now=clock.now(),
    )
