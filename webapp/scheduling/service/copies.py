"""A second event type on the terms of another one."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

from sqlalchemy import select

from webapp.core.db import session
from webapp.scheduling.models import EventType
from webapp.scheduling.service.event_types import create_event_type, details_of, set_active
from webapp.scheduling.service.texts import slug_for


def copy_event_type(*, event_type: EventType, name: str) -> EventType:
    """Make an event type like this one, called `name`, at an address of its own and switched off, so as to be edited.

    Each host keeps the schedule that they go by; its links are not copied, nor who has left its team. Raises
    InvalidInput when there can be no such name or nobody of its team is left, and SlugTaken when somebody takes the
    address at the same moment.
    """
    details = details_of(event_type)
    here = {host.id for host in event_type.hosts}
    details = replace(
        details,
        name=name,
        slug=_free_slug(event_type, slug_for(name)),
        team=[chosen for chosen in details.team if chosen.host_id in here],
    )
    copied = create_event_type(
        organization_id=event_type.organization_id,
        host_id=event_type.host_id,
        schedule=event_type.schedule,
        details=details,
    )
    schedules = {host.host_id: host.schedule for host in event_type.team}
    for host in copied.team:
        host.schedule = schedules[host.host_id]
    return set_active(event_type=copied, active=False)


def _free_slug(event_type: EventType, wished: str) -> str:
    """Return an address of the organisation that is free: the one wished for, or one with a number behind it."""
    base = (wished or f"{event_type.slug}-copy")[:50].rstrip("-")
    statement = select(EventType.slug).filter_by(organization_id=event_type.organization_id)
    taken = set(session().scalars(statement.where(EventType.slug.startswith(base))))
    return base if base not in taken else next(slug for n in count(2) if (slug := f"{base}-{n}") not in taken)
