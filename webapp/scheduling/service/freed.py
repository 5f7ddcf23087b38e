"""Hosts who are free at other times than before: whoever keeps or waits for what is free hears of it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from webapp.core.events import publish
from webapp.scheduling import queries
from webapp.scheduling.events import AvailabilityChanged, Change, PlaceFreed
from webapp.scheduling.models import EventType


def tell_of_change(
    change: Change, *, host_ids: Collection[UUID], begin: datetime | None = None, until: datetime | None = None
) -> None:
    """Publish that these hosts are free at other times between two instants (aware; None for any time), and
    PlaceFreed as `tell_who_waits` does.
    """
    publish(AvailabilityChanged(change=change, host_ids=tuple(host_ids), begin=begin, until=until))
    tell_who_waits(host_ids=host_ids)


def tell_of_terms(event_type: EventType) -> None:
    """Publish that an event type can be booked at other times, and PlaceFreed as `tell_who_waits` does."""
    publish(AvailabilityChanged(change=Change.EVENT_TYPE, event_type_id=event_type.id))
    tell_who_waits(host_ids=[host.id for host in event_type.hosts])


def tell_who_waits(*, host_ids: Collection[UUID]) -> None:
    """Publish PlaceFreed when somebody waits for time of these hosts, and nothing when nobody would listen."""
    if queries.somebody_waits(host_ids=host_ids):
        publish(PlaceFreed(host_ids=tuple(host_ids)))
