"""Who is looked at in the team's week."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import aliased

from webapp.core.db import session
from webapp.scheduling.models import EventHost


def team_mates(*, organization_id: UUID, host_id: UUID) -> set[UUID]:
    """Return the host and everybody who hosts some event type of the organisation together with them."""
    mine, theirs = aliased(EventHost), aliased(EventHost)
    statement = (
        select(theirs.host_id)
        .join(mine, mine.event_type_id == theirs.event_type_id)
        .where(mine.host_id == host_id, mine.organization_id == organization_id)
    )
    return {host_id, *session().scalars(statement)}
