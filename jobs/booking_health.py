"""What is looked at of bookings every hour, so that alerts know what is beyond its limit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from webapp.core import clock, measures
from webapp.core.settings import settings
from webapp.operations.alerts import Reading
from webapp.operations.models import AlertKind
from webapp.scheduling import queries
from webapp.scheduling.queries import BookingRate

# Fewer bookings in a day than this say nothing about a rate.
FEWEST_BOOKINGS = 20


@dataclass(frozen=True, kw_only=True)
class BookingHealth:
    """How booking goes: how much is booked, and how many guests wait for their confirmation for too long."""

    rate: BookingRate
    late_confirmations: int


def look() -> BookingHealth:
    """Return how booking goes now."""
    now = clock.now()
    after = timedelta(minutes=settings().alert_confirmation_minutes)
    return BookingHealth(
        rate=queries.booking_rate(now), late_confirmations=queries.late_confirmations(now, after=after)
    )


def readings(health: BookingHealth) -> Iterator[Reading]:
    """Yield what there is to say of it, against what is all right."""
    yield Reading(
        kind=AlertKind.LATE_CONFIRMATIONS,
        subject="bookings",
        value=float(health.late_confirmations),
        limit=float(settings().alert_late_confirmations),
    )
    usual = health.rate.day_week_before
    if usual >= FEWEST_BOOKINGS:
        yield Reading(
            kind=AlertKind.FEW_BOOKINGS,
            subject="bookings",
            value=max(1 - health.rate.day / usual, 0.0),
            limit=settings().alert_booking_drop_percent / 100,
        )


def export(health: BookingHealth) -> None:
    """Show the figures to Prometheus; raises RedisError when Redis is away."""
    rate = health.rate
    measures.set_gauge("bookings_made", rate.hour, period="hour", week="this")
    measures.set_gauge("bookings_made", rate.day, period="day", week="this")
    measures.set_gauge("bookings_made", rate.hour_week_before, period="hour", week="before")
    measures.set_gauge("bookings_made", rate.day_week_before, period="day", week="before")
    measures.set_gauge("late_confirmations", health.late_confirmations)
