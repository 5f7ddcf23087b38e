"""What decides which times of an event type are listed, in one exchange with the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import InstrumentedAttribute

from webapp.core.db import read_alone
from webapp.core.errors import NotFound
from webapp.core.words import say
from webapp.scheduling.models import EventType
from webapp.scheduling.queries.event_types import AT_ADDRESS, address
from webapp.scheduling.queries.versions import Versions, select_versions


@dataclass(frozen=True, slots=True)
class Listing:
    """An event type as far as its open times go: its terms, as `EventType` names them, and its versions."""

    id: UUID
    is_secret: bool
    duration: int
    other_durations: Sequence[int]
    slot_interval: int
    slot_offset: int
    buffer_before: int
    buffer_after: int
    buffers_among_own: bool
    minimum_notice: int
    horizon_days: int
    limit_per_day: int | None
    limit_per_week: int | None
    limit_per_month: int | None
    versions: Versions

    @property
    def durations(self) -> list[int]:
        """The lengths to choose from, the usual one first."""
        return [self.duration, *self.other_durations]


def find_listing(organization_slug: str, slug: str, *, weeks: range) -> Listing:
    """Return what can be booked at this address, a secret one too, with its versions in these weeks; raises NotFound.

    It is read on a connection of its own, so it knows nothing of what a surrounding transaction has written.
    """
    asked = {"first": weeks.start, "last": weeks.stop - 1}
    found = read_alone(_STATEMENT, address(organization_slug, slug) | asked)
    if found is None:
        raise NotFound(say("There is nothing to book at this address."))
    versions = {int(week): version for week, version in (found.versions or {}).items()}
    return Listing(**{**found._mapping, "versions": Versions.of(versions)})


def _statement() -> Select[Any]:
    terms: list[InstrumentedAttribute[Any]] = [
        getattr(EventType, field.name) for field in fields(Listing) if field.name != "versions"
    ]
    listed = select(*terms).join(EventType.organization).where(*AT_ADDRESS).cte()
    versions = select_versions(select(listed.c.id).scalar_subquery()).subquery()
    return select(listed, select(func.json_object_agg(*versions.c)).scalar_subquery().label("versions"))


# Made once: it is asked for with every look at what can be booked.
_STATEMENT = _statement()
