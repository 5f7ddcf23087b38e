"""The history of bookings."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import bindparam, select

from webapp.core.db import session
from webapp.identity.models import User
from webapp.scheduling.models import BookingChange


def booking_changes(booking_id: UUID) -> list[BookingChange]:
    """Return all that happened to the booking, in order."""
    return list(session().scalars(_CHANGES, {"this": booking_id}))


def names_of(user_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return what these people are called."""
    rows = session().execute(select(User.id, User.name).where(User.id.in_(user_ids)))
    return {row.id: row.name for row in rows}


# Made once, for every event of a booking asks it.
_CHANGES = (
    select(BookingChange)
    .where(BookingChange.booking_id == bindparam("this"))
    .order_by(BookingChange.happened_at, BookingChange.id)
)
