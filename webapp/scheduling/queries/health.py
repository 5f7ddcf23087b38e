"""How booking goes, over all organisations of the installation: for those who look after it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, String, and_, case, cast, func, literal, or_, select
from sqlalchemy.orm import aliased

from webapp.core.db import session
from webapp.notifications.models import Delivery, DeliveryStatus
from webapp.scheduling.models import IN_LINE, Booking, BookingStatus, WaitlistEntry, WaitStatus

_HOUR, _DAY, _WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
_BOOKED, _MOVED = "booking_confirmation_invitee", "booking_rescheduled_invitee"


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

    A booking that was changed since, or only confirmed then, has as long again. What its guest has to be told of is the
    latest that befell it: that it was booked, on its own or with its series, that it was approved, or that it moved.
    """
    occasion = case((Booking.sequence == 0, ""), else_=":" + cast(Booking.sequence, String))
    own = select(1).where(_sent(*(_about(Booking, kind) + occasion for kind in (_BOOKED, _MOVED))))
    first = aliased(Booking)  # of a series, made in the same moment; it may have moved since it was told of
    with_series = select(1).where(
        Booking.sequence == 0,
        first.series_id.is_not(None),
        first.series_id == Booking.series_id,
        first.created_at > now - _DAY,
        _sent(_about(first, _BOOKED)),
    )
    told = or_(own.exists(), with_series.exists())
    late = select(func.count()).where(
        Booking.status == BookingStatus.CONFIRMED,
        Booking.created_at.between(now - _DAY, now - after),
        Booking.updated_at <= now - after,
        ~told,
    )
    return session().scalar(late) or 0


class WaitlistHealth(NamedTuple):
    """How many are in line: who wait, who have an offer, and of these whose offer should have ended by itself."""

    waiting: int
    offered: int
    overdue: int


def waitlist_health(now: datetime, *, after: timedelta) -> WaitlistHealth:
    """Return how many stand where on the waitlists at `now` (aware); offers are overdue when over for so long."""
    offered = WaitlistEntry.status == WaitStatus.OFFERED
    counts = (
        func.count().filter(one)
        for one in (~offered, offered, and_(offered, WaitlistEntry.offer_expires_at <= now - after))
    )
    in_line = WaitlistEntry.status.in_(IN_LINE)
    return WaitlistHealth._make(session().execute(select(*counts).where(in_line)).one())


def _about(booking: type[Booking], template: str) -> ColumnElement[str]:
    """Return how the keys of the mails begin that tell of the booking by this template."""
    return literal("booking:") + cast(booking.id, String) + f":{template}"


def _sent(*keys: ColumnElement[str]) -> ColumnElement[bool]:
    return and_(Delivery.idempotency_key.in_(keys), Delivery.status == DeliveryStatus.SENT)
