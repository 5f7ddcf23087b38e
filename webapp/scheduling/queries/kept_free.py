"""What hosts have blocked, with what they call it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from webapp.core.db import session
from webapp.core.scope import scoped
from webapp.scheduling.models import BlockedTime, RecurringBlock


def named_blocks(
    *, organization_id: UUID, host_ids: Collection[UUID], begin: datetime, until: datetime
) -> tuple[list[BlockedTime], list[RecurringBlock]]:
    """Return what these hosts have blocked in the organisation between two instants (aware), once and recurring.

    Of the recurring ones all: when they come is not for the database to say.
    """
    once = scoped(BlockedTime, organization_id).where(
        *(BlockedTime.host_id.in_(host_ids), BlockedTime.ends_at > begin, BlockedTime.starts_at < until)
    )
    recurring = scoped(RecurringBlock, organization_id).where(RecurringBlock.host_id.in_(host_ids))
    return (
        list(session().scalars(once.order_by(BlockedTime.id))),
        list(session().scalars(recurring.order_by(RecurringBlock.id))),
    )
