"""The bookings that a change of hours may leave without them."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import exists, or_, select, tuple_
from sqlalchemy.orm import contains_eager, selectinload

from webapp.core import clock
from webapp.core.db import session
from webapp.core.scope import scoped
from webapp.scheduling.models import Booking
from webapp.scheduling.queries.bookings import hosted_by
from webapp.scheduling.queries.event_types import with_team


def bookings_to_come(
    *, organization_id: UUID, host_id: UUID, limit: int, after: Booking | None = None
) -> list[Booking]:
    """Return the host's next bookings that have not begun, soonest first: `limit` of them, those that come `after` one.

    Those that the host keeps at their time whatever the hours say are left out.
    """
    statement = (
        scoped(Booking, organization_id)
        .join(Booking.event_type)
        .options(contains_eager(Booking.event_type).options(with_team()), selectinload(Booking.further_hosts))
        .where(hosted_by(host_id), Booking.meeting_id.is_not(None), Booking.starts_at > clock.now())
        .where(or_(Booking.kept_start.is_(None), Booking.kept_start != Booking.starts_at))
        .order_by(Booking.starts_at, Booking.id)
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(tuple_(Booking.starts_at, Booking.id) > (after.starts_at, after.id))
    return list(session().scalars(statement))


def keeps_start(booking: Booking) -> bool:
    """True when the host keeps a booking of the same meeting where it is."""
    same = (Booking.meeting_id == booking.meeting_id, Booking.kept_start == booking.starts_at)
    return bool(session().scalar(select(exists().where(*same))))
