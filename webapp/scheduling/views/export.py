"""Bookings as a file for spreadsheets."""

from __future__ import annotations

from flask import Blueprint, Response

from webapp.core import clock
from webapp.identity.access import current_member, signed_in
from webapp.scheduling.export import bookings_csv
from webapp.scheduling.views.host import selection
from webapp.web.downloads import csv_file

blueprint = Blueprint("export", __name__)


@blueprint.get("/app/bookings.csv")
@signed_in
def bookings() -> Response:
    """Return the bookings that the list shows with the same address, all pages of them."""
    zone = clock.find_zone(current_member().user.timezone)
    name = f"bookings-{clock.now().astimezone(zone):%Y-%m-%d}.csv"
    return csv_file(bookings_csv(selection(), zone=zone), name=name)
