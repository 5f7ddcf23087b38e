"""The daily look at what contradicts itself: a report for each organisation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import select

from webapp.core import clock
from webapp.core.db import session
from webapp.core.events import publish
from webapp.core.scope import scoped
from webapp.identity.models import Membership, Organization
from webapp.identity.queries import active_members
from webapp.scheduling.events import AvailabilityFaultsFound
from webapp.scheduling.models import AvailabilityReport
from webapp.scheduling.queries.integrity import Fault, Found, faults

_PAGES = {
    Fault.BOOKING_OUTSIDE_MEETING: "/app/bookings/{id}",
    Fault.OVERLAPPING_HOURS: "/app/availability",
}
_EVENT_TYPE_PAGE = "/app/event-types/{id}"


def look() -> list[Found]:
    """Return all that is wrong anywhere."""
    return list(faults())


def report(found: Iterable[Found]) -> list[AvailabilityReport]:
    """Write a report for every organisation, in place of its last one, and return those that found something.

    Publishes AvailabilityFaultsFound where there is something that was not there the last time.
    """
    findings: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for each in dict.fromkeys(found):
        findings[each.organization_id].append(_finding(each))
    earlier = {known.organization_id: known for known in session().scalars(select(AvailabilityReport))}
    reports = []
    for organization_id in session().scalars(select(Organization.id).order_by(Organization.id)):
        known = earlier.get(organization_id)
        is_new = any(each not in (known.findings if known else []) for each in findings[organization_id])
        reports.append(_write(known, organization_id, findings[organization_id]))
        if is_new:
            session().flush()
            publish(AvailabilityFaultsFound(report_id=reports[-1].id))
    return [each for each in reports if each.findings]


def find_report(report_id: UUID) -> AvailabilityReport | None:
    """Return the report with this id, None when another has taken its place. For jobs, whom nobody else asks."""
    return session().get(AvailabilityReport, report_id)


def latest_report(organization_id: UUID) -> AvailabilityReport | None:
    """Return what was found in the organisation the last time; None before the first."""
    return session().scalars(scoped(AvailabilityReport, organization_id)).one_or_none()


def readers(report_id: UUID) -> list[Membership]:
    """Return who is told of a report: those who manage the organisation."""
    found = find_report(report_id)
    if found is None:
        return []
    return [member for member in active_members(found.organization_id) if member.role.administers]


def _finding(found: Found) -> dict[str, Any]:
    path = _PAGES.get(found.fault, _EVENT_TYPE_PAGE)
    return {"kind": found.fault.value, "about": found.about, "path": path.format(id=found.subject_id)}


def _write(
    known: AvailabilityReport | None, organization_id: UUID, findings: list[dict[str, Any]]
) -> AvailabilityReport:
    """Replace the report by a new one, whose id tells the two apart."""
    if known:
        session().delete(known)
        session().flush()
    made = AvailabilityReport(organization_id=organization_id, taken_at=clock.now(), findings=findings)
    session().add(made)
    return made
