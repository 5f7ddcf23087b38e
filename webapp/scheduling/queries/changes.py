"""The history of bookings."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import bindparam, func, select

from webapp.core.acting import ActorKind
from webapp.core.db import session
from webapp.identity.models import User
from webapp.scheduling.models import BookingChange


def booking_changes(booking_id: UUID) -> list[BookingChange]:
    """Return all that happened to the booking, in order."""
    return list(session().scalars(_CHANGES, {"this": booking_id}))


def moves_by_guest(booking_id: UUID) -> int:
    """Return how often the booking was moved by whoever has its link."""
    of_booking = select(func.count()).select_from(BookingChange).filter_by(booking_id=booking_id)
    return session().scalar(of_booking.filter_by(what="rescheduled", actor=ActorKind.GUEST)) or 0


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
