"""Which bookings are exported."""

from __future__ import annotations

from pydantic import Field

from webapp.scheduling.queries import When
from webapp.scheduling.schemas.fields import ZoneName
from webapp.web.openapi import Query


class ExportQuery(Query):
    """Which bookings, as in their list, and the zone of the times beside those in UTC."""

    when: When = When.ALL
    search: str = Field("", max_length=200)
    timezone: ZoneName | None = Field(None, description="The zone of the token's holder if not given.")
