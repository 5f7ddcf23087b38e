"""Bookings as a file, for members' programs."""

from __future__ import annotations

from flask import Response

from webapp.core import clock
from webapp.identity.access import current_member, token_required
from webapp.identity.models import Scope
from webapp.scheduling.api.blueprints import for_members, only_host
from webapp.scheduling.export import bookings_csv
from webapp.scheduling.queries import Selection
from webapp.scheduling.schemas.selection import ExportQuery
from webapp.web.downloads import CSV, csv_file
from webapp.web.openapi import download

blueprint = for_members("scheduling_export_api")


@blueprint.get("/bookings.csv")
@token_required(Scope.BOOKINGS_READ)
@download(media=CSV, query=ExportQuery, needs_token=True, tag="Bookings")
def export_bookings(query: ExportQuery) -> Response:
    """Bookings as CSV in UTF-8, all at once: upcoming ones soonest first, all others latest first."""
    member = current_member()
    chosen = Selection(member.organization_id, only_host() or query.host, query.when, query.search, query.between)
    zone = clock.find_zone(query.timezone or member.user.timezone)
    return csv_file(bookings_csv(chosen, zone=zone), name="bookings.csv")
