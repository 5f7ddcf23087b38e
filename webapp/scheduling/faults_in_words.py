"""What is wrong with an organisation's availability in words, for the page and the mail alike."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from flask_babel import gettext as _

from webapp.scheduling.models import AvailabilityReport
from webapp.scheduling.queries.integrity import Fault


class Line(NamedTuple):
    """One finding: whom or what it is about, what is wrong, and where to put it right."""

    about: str
    says: str
    path: str


def lines(report: AvailabilityReport) -> list[Line]:
    """Return the findings of a report in the reader's language; those of an earlier release's kinds are left out."""
    return [_line(finding) for finding in _known(report.findings)]


def _known(findings: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    return (finding for finding in findings if finding["kind"] in set(Fault))


def _line(finding: dict[str, Any]) -> Line:
    words = {
        Fault.OVERLAPPING_MEETINGS: _("Two meetings of one host overlap: move or cancel one of them."),
        Fault.EMPTY_MEETING: _("A meeting takes the host's time, and nobody has booked it."),
        Fault.SEATS_DIFFER: _("A meeting counts other seats as taken than there are bookings."),
        Fault.BOOKING_OUTSIDE_MEETING: _("The booking is for another time than its meeting: move it, or cancel it."),
        Fault.WITHOUT_HOURS: _("Nobody can book it, since there are no hours: set some, or switch it off."),
        Fault.WITHOUT_HOSTS: _(
            "Nobody can book it, since nobody is left to host it: choose somebody, or switch it off."
        ),
        Fault.OVERLAPPING_HOURS: _("Weekly hours of one day overlap: join them, or move one of them."),
        Fault.IMPOSSIBLE_LIMITS: _("Its terms contradict each other: look at its limits, its notice and its horizon."),
    }
    return Line(finding["about"], str(words[Fault(finding["kind"])]), finding["path"])
