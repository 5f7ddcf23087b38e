"""What stands in the calendars of hosts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, TIMESTAMP, any_, column, func, literal, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import selectinload
from sqlalchemy.sql.selectable import LateralFromClause

from webapp.core.db import session
from webapp.core.scope import scoped
from webapp.scheduling.models import Booking
from webapp.scheduling.queries.bookings import hosted_by, overlapping

_MOMENT = TIMESTAMP(timezone=True)


class Booked(NamedTuple):
    """Bookings of the first meetings of each day, in order, and how many meetings there are on each of the days."""

    bookings: Sequence[Booking]
    totals: list[int]


def booked_on(
    *,
    organization_id: UUID,
    host_id: UUID | None,
    days: Sequence[tuple[datetime, datetime]],
    most: int,
    most_guests: int,
) -> Booked:
    """Return what takes time on each of the days, which begin and end at instants (aware); of one host, or of all.

    Of each day come the first `most` meetings, with their first `most_guests` bookings. Those that have no meeting any
    more take none. Three queries, however many there are.
    """
    begins, ends = (literal([day[edge] for day in days], ARRAY(_MOMENT)) for edge in (0, 1))
    asked = (
        func.unnest(begins, ends)
        .table_valued(column("begins", _MOMENT), column("ends", _MOMENT), with_ordinality="number", name="asked")
        .render_derived()
    )
    first = _first_meetings(organization_id, host_id, asked.c.begins, asked.c.ends, most)
    totals, chosen = [0] * len(days), set[UUID]()
    for number, ids, total in session().execute(
        select(asked.c.number, first.c.ids[1:most_guests], first.c.total).join_from(asked, first, literal(True))
    ):
        totals[number - 1] = total
        chosen.update(ids)
    return Booked(_read(organization_id, chosen), totals)


def _first_meetings(
    organization_id: UUID, host_id: UUID | None, begins: Any, ends: Any, most: int
) -> LateralFromClause:
    """Select the bookings of the first meetings that take time between two instants, and how many meetings do."""
    ids = func.array_agg(aggregate_order_by(Booking.id, Booking.created_at, Booking.id), type_=ARRAY(Booking.id.type))
    taken = (
        select(ids.label("ids"), func.count().over().label("total"))
        .where(Booking.organization_id == organization_id, Booking.meeting_id.is_not(None), overlapping(begins, ends))
        .group_by(Booking.meeting_id)
        .order_by(func.min(Booking.starts_at), func.min(Booking.created_at), ids)
        .limit(most)
    )
    return (taken if host_id is None else taken.where(hosted_by(host_id))).lateral("first")


def _read(organization_id: UUID, booking_ids: set[UUID]) -> Sequence[Booking]:
    statement = (
        scoped(Booking, organization_id)
        .where(Booking.id == any_(literal([*booking_ids], ARRAY(Booking.id.type))))
        .options(selectinload(Booking.further_hosts))
        .order_by(Booking.starts_at, Booking.created_at, Booking.id)
    )
    return session().scalars(statement).all()
