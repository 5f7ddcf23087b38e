"""The booking pages for a frame on somebody else's site, and the script that puts them there.

They are the guest's own views under another address: links between them are relative to the blueprint (`.form`), and
so stay in the frame. A frame has no cookies where browsers keep those of other sites out. None are needed, since a
guest has no session; docs/decisions/2026-11-25-booking-in-a-frame.md says why that is safe.
"""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Response, current_app, render_template, request

from webapp.core import clock
from webapp.core.settings import settings
from webapp.scheduling import queries
from webapp.scheduling.queries.embedding import allowed_sites
from webapp.scheduling.views import guest, holds
from webapp.scheduling.views.given_link import given_link
from webapp.scheduling.views.manage import show_calendar_links
from webapp.web.extensions import csrf, limiter
from webapp.web.framing import ANYBODY, allow_framing

blueprint = Blueprint("embed", __name__)
csrf.exempt(blueprint)
limiter.limit(lambda: settings().rate_limit_public)(blueprint)

SITE = "site"
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?")
_PATH = "/embed/<organization>/<event_type>"

blueprint.add_url_rule(_PATH, "choose", guest.choose, methods=["GET"])
blueprint.add_url_rule(f"{_PATH}/confirm", "form", guest.form, methods=["GET"])
blueprint.add_url_rule(f"{_PATH}/confirm", "confirm", guest.confirm, methods=["POST"])
blueprint.add_url_rule(f"{_PATH}/hold", "take", holds.take, methods=["POST"])
blueprint.add_url_rule(f"{_PATH}/hold/leave", "leave", holds.leave, methods=["POST"])


@blueprint.get(f"{_PATH}/booked/<token>")
def booked(organization: str, event_type: str, token: str) -> Response:
    """Show what was booked; the page around the frame hears of it."""
    queries.public_event_type(organization, event_type, link=given_link())
    booking = queries.booking_by_token(token)
    page = render_template(
        "scheduling/guest/booked.html",
        token=token,
        booking=booking,
        event_type=booking.event_type,
        zone=clock.find_zone(booking.guest_timezone),
        calendar_links=show_calendar_links(booking),
    )
    response = Response(page)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


@blueprint.get("/embed.js")
def script() -> Response:
    """Return the script for other sites' pages, under an address that stays."""
    response = current_app.send_static_file("js/embed.js")
    response.headers["Cache-Control"] = "public, max-age=3600"
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@blueprint.before_request
def _let_sites_in() -> None:
    if organization := (request.view_args or {}).get("organization"):
        allow_framing(allowed_sites(organization) or ANYBODY)


@blueprint.app_template_global()
def is_embedded() -> bool:
    """True for a page in somebody else's frame."""
    return request.blueprint == blueprint.name


@blueprint.app_template_global()
def embedding_site() -> str:
    """Return the origin of the page around the frame, as that page gave it; empty when it did not."""
    site = request.args.get(SITE, "")
    return site if _ORIGIN.fullmatch(site) else ""


@blueprint.app_url_defaults
def _keep_site(endpoint: str, values: dict[str, Any]) -> None:
    """Keep the name of the page around the frame from page to page in it."""
    if endpoint.startswith("embed.") and request and (site := embedding_site()):
        values.setdefault(SITE, site)
