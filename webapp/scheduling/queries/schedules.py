"""Schedules, and what goes by them."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import or_, select

from webapp.core.db import session
from webapp.core.errors import NotFound
from webapp.core.scope import find_scoped, scoped
from webapp.scheduling.models import EventHost, EventType, Schedule
from webapp.scheduling.queries.event_types import with_team


def schedules(*, organization_id: UUID, host_id: UUID | None = None) -> list[Schedule]:
    """Return the schedules of the organisation (of that host, if one is named) with their hours and overrides.

    The default comes first, the others in the order in which they were made.
    """
    statement = scoped(Schedule, organization_id).order_by(Schedule.is_default.desc(), Schedule.id)
    if host_id is not None:
        statement = statement.where(Schedule.host_id == host_id)
    return list(session().scalars(statement))


def get_schedule(organization_id: UUID, schedule_id: UUID, *, host_id: UUID | None = None) -> Schedule:
    """Return a schedule of the organisation (of that host, if one is named); raises NotFound."""
    found = find_scoped(Schedule, organization_id=organization_id, id=schedule_id)
    if host_id is not None and found.host_id != host_id:
        raise NotFound
    return found


def hosted_event_types(*, organization_id: UUID, host_id: UUID) -> list[EventType]:
    """Return what the host hosts, alone or as one of a team, oldest first; the team is loaded with it."""
    in_team = select(EventHost.event_type_id).where(EventHost.host_id == host_id)
    statement = (
        scoped(EventType, organization_id)
        .where(or_(EventType.host_id == host_id, EventType.id.in_(in_team)))
        .options(with_team())
        .order_by(EventType.id)
    )
    return [found for found in session().scalars(statement) if any(host.id == host_id for host in found.hosts)]
