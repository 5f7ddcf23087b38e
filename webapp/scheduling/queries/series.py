"""The bookings of a series."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import selectinload

from webapp.core.db import session
from webapp.core.scope import scoped
from webapp.scheduling.models import Booking


def series_of(booking: Booking) -> list[Booking]:
    """Return all bookings of the series that this one belongs to, in order; none when it stands alone."""
    if booking.series_id is None:
        return []
    statement = scoped(Booking, booking.organization_id).filter_by(series_id=booking.series_id)
    hosts = selectinload(Booking.further_hosts)
    return list(session().scalars(statement.options(hosts).order_by(Booking.starts_at, Booking.id)))


def bookings_of_series(series_id: UUID) -> list[Booking]:
    """Return the bookings of a series, of whatever organisation, in order. For jobs, whom nobody else asks."""
    return _read(Booking.series_id == series_id)


def bookings_with_ids(booking_ids: Sequence[UUID]) -> list[Booking]:
    """Return the bookings with these ids, of whatever organisation, in order. For jobs, whom nobody else asks."""
    return _read(Booking.id.in_(booking_ids))


def _read(condition: ColumnElement[bool]) -> list[Booking]:
    statement = select(Booking).where(condition).options(selectinload(Booking.further_hosts))
    ordered = statement.order_by(Booking.starts_at, Booking.id).execution_options(populate_existing=True)
    return list(session().scalars(ordered))
