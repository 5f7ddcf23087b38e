"""Who waits for a host's time."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from webapp.core import clock
from webapp.core.db import transaction
from webapp.core.errors import Conflict
from webapp.identity.access import current_member, signed_in
from webapp.scheduling import queries
from webapp.scheduling.service import waitlist
from webapp.scheduling.views.host import read_cursor, visible_host
from webapp.web.languages import told

blueprint = Blueprint("host_waitlist", __name__, url_prefix="/app/bookings/waitlist")


@blueprint.get("")
@signed_in
def index() -> str:
    """List who waits, by what they wait for; everybody's for those who manage the organisation."""
    member = current_member()
    page = queries.waitlist_page(
        organization_id=member.organization_id,
        host_id=visible_host(member),
        after=read_cursor(request.args.get("after", "")),
    )
    return render_template(
        "scheduling/host/waitlist.html",
        page=page,
        zone=clock.find_zone(member.user.timezone),
        is_first=not request.args.get("after"),
    )


@blueprint.post("/<uuid:entry_id>/remove")
@signed_in
def remove(entry_id: UUID) -> ResponseReturnValue:
    """Take somebody out of line; what was offered to them goes to the next."""
    member = current_member()
    try:
        with transaction():
            entry = queries.get_waitlist_entry(member.organization_id, entry_id, host_id=visible_host(member))
            waitlist.leave(entry=entry, removed=True)
    except Conflict as conflict:
        flash(told(conflict), "error")
    else:
        flash(_("%(guest)s is no longer on the waitlist.", guest=entry.guest_name), "success")
    return redirect(url_for("host_waitlist.index"), 303)
