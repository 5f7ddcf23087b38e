"""What is offered books, and what is not offered does not: through the service and a real database.

The slot engine's own tests try far more schedules; here a few show that nothing between it and the guest disagrees.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.factories import event_type, member, schedule
from tests.scheduling.helpers import GUEST, at, booked, in_days
from webapp.core.clock import find_zone
from webapp.core.db import transaction
from webapp.scheduling.errors import StartRefused
from webapp.scheduling.models import EventType, WeeklyHours
from webapp.scheduling.service.booking import book
from webapp.scheduling.service.offers import offered_slots

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia")


def _books(kind: EventType, minute: int) -> bool:
    """Try a start and take it back."""
    try:
        with transaction() as current:
            book(event_type=kind, start=at(0, days=3) + timedelta(minutes=minute), guest=GUEST, answers={})
            current.rollback()
    except StartRefused:
        return False
    return True


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    zone=st.sampled_from(ZONES),
    duration=st.sampled_from([15, 30, 50]),
    interval=st.sampled_from([15, 20, 60]),
    buffers=st.tuples(st.integers(0, 30), st.integers(0, 30)),
    notice=st.integers(0, 5 * 1440),
    taken=st.lists(st.integers(0, 47), max_size=4),
    opens=st.integers(0, 20 * 60),
    hours=st.integers(1, 240),
)
def test_offered_is_bookable(
    app: Flask, *, zone: str, duration: int, interval: int, buffers: tuple[int, int], notice: int,
    taken: list[int], opens: int, hours: int,
) -> None:  # fmt: skip
    host = member()
    place = schedule(of=host, zone=zone)
    around_the_clock = schedule(of=host, zone="UTC")
    around_the_clock.hours = [WeeklyHours(weekday=day, start_minute=0, end_minute=1440) for day in range(7)]
    place.hours = [WeeklyHours(weekday=day, start_minute=opens, end_minute=opens + hours) for day in range(7)]
    before, after = buffers
    other = event_type(of=host, on=around_the_clock, duration=20, buffer_after=5)
    kind = event_type(
        of=host, on=place, duration=duration, slot_interval=interval,
        buffer_before=before, buffer_after=after, minimum_notice=notice,
    )  # fmt: skip
    for half_hour in taken:
        with suppress(StartRefused):
            booked(other, at(0, days=3) + timedelta(minutes=30 * half_hour))
    day = in_days(3)
    offers = offered_slots(event_type=kind, first=day, last=day, zone=find_zone("Europe/Berlin"))
    offered = {(offer.start - at(0, days=3)) // timedelta(minutes=1) for offer in offers}
    for minute in sorted(offered | set(range(0, 1440, 45)) | {start + 1 for start in offered}):
        assert _books(kind, minute) == (minute in offered), minute
