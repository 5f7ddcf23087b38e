"""What hosts are told before they book or move a meeting against their own rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from flask_babel import gettext as _

from webapp.core import clock
from webapp.scheduling.slots import Refusal
from webapp.scheduling.views.picker import read_start


def warnings(broken: Iterable[Refusal]) -> list[str]:
    """Return a sentence for each rule that is about to be broken."""
    sentences = {
        Refusal.TOO_SHORT_NOTICE: _("It is sooner than the notice that you ask of guests."),
        Refusal.BEYOND_HORIZON: _("It is further ahead than guests can book."),
        Refusal.OUTSIDE_AVAILABILITY: _("It is outside the working hours."),
        Refusal.OFF_GRID: _("It is not one of the usual starts."),
        Refusal.BLOCKED: _("It is blocked, or on days out of office."),
        Refusal.LIMIT_REACHED: _("It is over the limit of meetings for that day, week or month."),
    }
    return [str(sentences[rule]) for rule in broken]


def chosen_start(arguments: Mapping[str, str], zone: ZoneInfo) -> datetime | None:
    """Return the instant that an address names, in UTC: `?start=…`, or `?on=2026-11-24&at=19:30` by clocks in `zone`.

    None when it names none.
    """
    if start := read_start(arguments.get("start", "")):
        return start
    try:
        local = datetime.combine(clock.find_day(arguments["on"]), time.fromisoformat(arguments["at"]), zone)
    except (KeyError, ValueError):
        return None
    return local.astimezone(UTC)
