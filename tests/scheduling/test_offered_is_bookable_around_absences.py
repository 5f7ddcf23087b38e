"""What is offered books, and what is not does not, also around late hours, blocks, days away and stand-ins."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.factories import event_type, member, schedule
from tests.scheduling.helpers import GUEST, at, in_days
from webapp.core.clock import find_zone
from webapp.core.db import transaction
from webapp.identity.models import Membership, Role
from webapp.scheduling.errors import StartRefused
from webapp.scheduling.models import EventType, WeeklyHours
from webapp.scheduling.service.blocks import BlockDetails, RecurringDetails, block_recurring, block_time
from webapp.scheduling.service.booking import book
from webapp.scheduling.service.offers import offered_slots
from webapp.scheduling.service.out_of_office import AwayDetails, be_away

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia")
half_hours = st.integers(0, 47).map(lambda number: number * 30)


def _books(kind: EventType, minute: int) -> str | None:
    """Try a start and take it back; return who would have hosted it."""
    try:
        with transaction() as current:
            start = at(0, days=3) + timedelta(minutes=minute)
            name = book(event_type=kind, start=start, guest=GUEST, answers={}).host.name
            current.rollback()
    except StartRefused:
        return None
    return name


def _block(host: Membership, begin: int, minutes: int) -> None:
    start = at(0, days=3) + timedelta(minutes=begin)
    details = BlockDetails(timezone="UTC", starts_at=start, ends_at=start + timedelta(minutes=minutes))
    block_time(organization_id=host.organization_id, host_id=host.user_id, details=details)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    zones=st.tuples(st.sampled_from(ZONES), st.sampled_from(ZONES)),
    opens=half_hours,
    lasts=st.integers(1, 46).map(lambda number: number * 30),
    buffer=st.integers(0, 30),
    blocks=st.lists(st.tuples(half_hours, st.integers(1, 300)), max_size=2),
    lunch=st.tuples(half_hours, st.integers(30, 1440)),
    away=st.none() | st.integers(2, 4),
)
def test_offered_is_bookable_around_absences(
    app: Flask, *, zones: tuple[str, str], opens: int, lasts: int, buffer: int, blocks: list[tuple[int, int]],
    lunch: tuple[int, int], away: int | None,
) -> None:  # fmt: skip
    host = member(name="Host")
    deputy = member(of=host.organization, role=Role.MEMBER, name="Deputy")
    own, theirs = schedule(of=host, zone=zones[0]), schedule(of=deputy, zone=zones[1])
    kind = event_type(of=host, on=own, duration=45, slot_interval=45, buffer_before=buffer, buffer_after=buffer)
    with transaction():
        for place in (own, theirs):
            place.hours = [WeeklyHours(weekday=day, start_minute=opens, end_minute=opens + lasts) for day in range(7)]
        for number, (begin, minutes) in enumerate(blocks):
            _block((host, deputy)[number], begin, minutes)
        start, minutes = lunch
        details = RecurringDetails(
            timezone=zones[1], first_day=in_days(1), start_minute=start, end_minute=start + minutes, rule="FREQ=DAILY"
        )
        if minutes < 600:
            block_recurring(organization_id=host.organization_id, host_id=host.user_id, details=details)
        if away is not None:
            days = AwayDetails(
                timezone=zones[0], first_day=in_days(away), last_day=in_days(away), stand_in_id=deputy.user_id
            )
            be_away(organization_id=host.organization_id, host_id=host.user_id, details=days)
    offers = offered_slots(event_type=kind, first=in_days(3), last=in_days(3), zone=find_zone("Europe/Berlin"))
    offered = {(offer.start - at(0, days=3)) // timedelta(minutes=1) for offer in offers}
    assert all(offer.seats_left == 1 for offer in offers)
    for minute in sorted(offered | set(range(0, 1440, 45)) | {start + 1 for start in offered}):
        assert (_books(kind, minute) is not None) == (minute in offered), minute
