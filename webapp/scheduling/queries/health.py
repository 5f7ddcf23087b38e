"""How booking goes, over all organisations of the installation: for those who look after it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import String, cast, func, literal, or_, select

from webapp.core.db import session
from webapp.notifications.models import Delivery, DeliveryStatus
from webapp.scheduling.models import Booking, BookingStatus

_HOUR, _DAY, _WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)


class BookingRate(NamedTuple):
    """How many bookings were made in the last hour and the last 24 hours, and in the same hours a week earlier."""

    hour: int
    day: int
    hour_week_before: int
    day_week_before: int


def booking_rate(now: datetime) -> BookingRate:
    """Return how many bookings were made lately, as seen at `now` (aware)."""
    made = Booking.created_at
    counts = (
        func.count().filter(made > until - length, made <= until)
        for until in (now, now - _WEEK)
        for length in (_HOUR, _DAY)
    )
    either = or_(made > now - _DAY, made.between(now - _WEEK - _DAY, now - _WEEK))
    return BookingRate._make(session().execute(select(*counts).where(either, made <= now)).one())


def late_confirmations(now: datetime, *, after: timedelta) -> int:
    """Return how many bookings of the last 24 hours are confirmed for so long, and their guests were not told by mail.

    A booking that was changed since, or only confirmed then, has as long again.
    """
    key = literal("booking:") + cast(Booking.id, String) + ":booking_confirmation_invitee"
    told = select(1).where(Delivery.idempotency_key == key, Delivery.status == DeliveryStatus.SENT).exists()
    late = select(func.count()).where(
        Booking.status == BookingStatus.CONFIRMED,
        Booking.created_at.between(now - _DAY, now - after),
        Booking.updated_at <= now - after,
        ~told,
    )
    return session().scalar(late) or 0
