"""What stands in the calendars of hosts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import selectinload

from webapp.core.db import session
from webapp.core.scope import scoped
from webapp.scheduling.models import Booking
from webapp.scheduling.queries.bookings import hosted_by, overlapping


def booked_between(
    *, organization_id: UUID, host_id: UUID | None, begins: datetime, ends: datetime
) -> Sequence[Booking]:
    """Return the bookings that take time between two instants (aware), in order; of one host, or of all.

    Those that have no meeting any more take none. Two queries, however many there are.
    """
    statement = (
        scoped(Booking, organization_id)
        .where(Booking.meeting_id.is_not(None), overlapping(begins, ends))
        .options(selectinload(Booking.further_hosts))
        .order_by(Booking.starts_at, Booking.created_at, Booking.id)
    )
    return session().scalars(statement if host_id is None else statement.where(hosted_by(host_id))).all()
