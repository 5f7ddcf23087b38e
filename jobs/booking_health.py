"""What is told of bookings when they go badly. A module of its own: those who book know nothing of alerts."""

from __future__ import annotations

from collections.abc import Iterator

from jobs.runtime import job
from webapp.core.settings import settings
from webapp.operations import alerts
from webapp.operations.alerts import Reading
from webapp.operations.models import HOURLY, AlertKind
from webapp.scheduling.events import BookingHealthSeen

# Fewer bookings in a day than this say nothing about a rate.
FEWEST_BOOKINGS = 20


@job(queue="maintenance", atomic=True, on=BookingHealthSeen)
def settle_booking_alerts(late_confirmations: int, made: int, made_week_before: int, late_offers: int = 0) -> None:
    """Raise alerts for what is beyond its limit of how booking goes, and end those that are over."""
    alerts.settle(_readings(late_confirmations, made, made_week_before, late_offers), complete=HOURLY)


def _readings(late_confirmations: int, made: int, made_week_before: int, late_offers: int) -> Iterator[Reading]:
    yield Reading(
        kind=AlertKind.LATE_CONFIRMATIONS,
        subject="bookings",
        value=float(late_confirmations),
        limit=float(settings().alert_late_confirmations),
    )
    yield Reading(kind=AlertKind.LATE_OFFERS, subject="waitlists", value=float(late_offers), limit=0.0)
    if made_week_before >= FEWEST_BOOKINGS:
        yield Reading(
            kind=AlertKind.FEW_BOOKINGS,
            subject="bookings",
            value=max(1 - made / made_week_before, 0.0),
            limit=settings().alert_booking_drop_percent / 100,
        )
