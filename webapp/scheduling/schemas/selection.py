"""Which bookings programs ask for, as a list or as a file."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from pydantic import Field

from webapp.scheduling.queries import When
from webapp.scheduling.schemas.fields import AnyStart, ZoneName
from webapp.web.openapi import Query
from webapp.web.pagination import PageQuery

_EARLIEST, _LATEST = datetime(1970, 1, 10, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


class SelectionQuery(Query):
    """Which bookings: `search` looks in the guest's name and e-mail and in the event type's name."""

    when: When = When.ALL
    search: str = Field("", max_length=200)
    start: AnyStart | None = Field(None, description="Only those that end after it.")
    end: AnyStart | None = Field(None, description="Only those that begin before it.")
    host: UUID | None = Field(None, description="Only those of this member, for those who may see others'.")

    @property
    def between(self) -> tuple[datetime, datetime] | None:
        """The two instants, if any is given."""
        if self.start is None and self.end is None:
            return None
        return max(self.start or _EARLIEST, _EARLIEST), min(self.end or _LATEST, _LATEST)


class BookingsQuery(SelectionQuery, PageQuery):
    """Which bookings, one page of them at a time."""


class ExportQuery(SelectionQuery):
    """Which bookings, and the zone of the times beside those in UTC."""

    timezone: ZoneName | None = Field(None, description="The zone of the token's holder if not given.")
