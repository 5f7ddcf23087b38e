"""The history of a booking, in words."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from flask_babel import gettext as _

from webapp.core.acting import ActorKind
from webapp.scheduling.models import Booking
from webapp.scheduling.service.history import Entry, history
from webapp.web.times import clock_time, day_text


class Line(NamedTuple):
    """One entry: what happened, by whom, when, and what changed."""

    what: str
    by: str
    at: datetime
    changes: list[str]


def history_lines(booking: Booking, zone: ZoneInfo) -> list[Line]:
    """Return what happened to the booking, the latest first, with times as clocks in `zone` show them."""
    return [
        Line(_what(entry.what), _by(entry, booking), entry.at, _changes(entry, zone))
        for entry in reversed(history(booking))
    ]


def _what(what: str) -> str:
    words = {
        "recorded": _("The history begins"),
        "requested": _("Asked for approval"),
        "confirmed": _("Confirmed"),
        "declined": _("Declined"),
        "rescheduled": _("Moved"),
        "move_asked": _("Guest asked to move it"),
        "cancelled": _("Cancelled"),
    }
    return str(words.get(what, what.replace("_", " ").capitalize()))


def _by(entry: Entry, booking: Booking) -> str:
    if entry.actor is ActorKind.GUEST:
        return str(_("by %(name)s, the guest", name=booking.guest_name))
    if entry.actor is ActorKind.MEMBER:
        return str(_("by %(name)s", name=entry.by or _("a member")))
    return str(_("by Almanac"))


def _changes(entry: Entry, zone: ZoneInfo) -> list[str]:
    """Return what changed, as far as it was otherwise before, and the reason that was given."""
    changes = entry.changes
    lines = []
    if old := _old(changes, "starts_at"):
        new = changes["starts_at"]["new"]
        lines.append(_("From %(old)s to %(new)s", old=_moment(old, zone), new=_moment(new, zone)))
    if old := _old(changes, "hosts"):
        lines.append(_("From %(old)s to %(new)s", old=", ".join(old), new=", ".join(changes["hosts"]["new"])))
    reasons = (changes.get(name, {}).get("new") for name in ("cancel_reason", "decline_reason"))
    return [*map(str, lines), *(reason for reason in reasons if reason)]


def _old(changes: dict[str, dict[str, Any]], name: str) -> Any:
    return changes.get(name, {}).get("old")


def _moment(text: str, zone: ZoneInfo) -> str:
    moment = datetime.fromisoformat(text)
    return f"{day_text(moment, zone, 'short_weekday')}, {clock_time(moment, zone)}"
