"""The link by which a guest came, secret or for one booking: what it opens, and how it goes along from page to page."""

from __future__ import annotations

from typing import Any

from flask import request

from webapp.scheduling import queries
from webapp.scheduling.models import BookingLink, EventType

_UNDER_LINK = {
    *(f"{place}.{view}" for place in ("guest", "embed") for view in ("choose", "form", "confirm", "booked")),
    *(f"{place}.{view}" for place in ("holds", "embed") for view in ("take", "leave")),
    *("waitlist.ask", "waitlist.join"),
}


def given_link() -> str:
    """Return the code of the link by which the guest came; empty for who came without."""
    return request.values.get("link", "")


def open_event_type(organization: str, event_type: str) -> tuple[EventType, BookingLink | None]:
    """Return what the address opens, and the link when it is one that books once, used or not; raises NotFound."""
    code = given_link()
    offered = queries.public_event_type(organization, event_type, link=code)
    return offered, queries.find_booking_link(offered.id, code) if code else None


def keep_given_link(endpoint: str, values: dict[str, Any]) -> None:
    """Carry the link along in the addresses of the pages for guests, also in another site's frame."""
    if endpoint in _UNDER_LINK and request and (code := given_link()):
        values.setdefault("link", code)
