"""Time that has become free while somebody waits for it."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from webapp.core.events import publish
from webapp.scheduling import queries
from webapp.scheduling.events import PlaceFreed


def tell_who_waits(*, host_ids: Sequence[UUID]) -> None:
    """Publish PlaceFreed when somebody waits for time of these hosts, and nothing when nobody would listen."""
    if queries.somebody_waits(host_ids=host_ids):
        publish(PlaceFreed(host_ids=tuple(host_ids)))
