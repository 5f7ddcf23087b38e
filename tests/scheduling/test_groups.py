"""Several guests in one meeting: as many as there are seats, and the host is there once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from tests.factories import event_type, member, schedule
from tests.scheduling.helpers import BERLIN, GUEST, address, at, body, booked, in_days, refused, slots
from webapp.core.db import session, transaction
from webapp.core.validation import InvalidInput
from webapp.scheduling.errors import LimitReached, NothingChanged, SlotTaken
from webapp.scheduling.models import EventKind, EventType, HostTime, Meeting, Side
from webapp.scheduling.service.booking import book, cancel, reschedule
from webapp.scheduling.service.event_types import EventTypeDetails, create_event_type, update_event_type
from webapp.scheduling.service.offers import offered_slots

DETAILS = EventTypeDetails(
    name="Class", slug="class", duration=30, slot_interval=30, minimum_notice=0, kind=EventKind.GROUP, seats=3
)


def group(seats: int = 3, **changes: Any) -> EventType:
    return event_type(kind=EventKind.GROUP, seats=seats, **changes)


def seats_left(client: FlaskClient, kind: EventType) -> dict[str, int]:
    """The seats left at each start in two days."""
    query = {"start": in_days(2), "end": in_days(2), "timezone": "Europe/Berlin"}
    offers = client.get(f"{address(kind)}/slots", query_string=query).get_json()["slots"]
    return {offer["start"]: offer["seats_left"] for offer in offers}


def count(kind: type[Meeting | HostTime]) -> int | None:
    return session().scalar(select(func.count()).select_from(kind))


def test_seats_are_counted_down_and_the_full_class_is_offered_no_more(client: FlaskClient) -> None:
    kind = group(3)
    assert set(seats_left(client, kind).values()) == {3}
    for left in (2, 1):
        booked(kind, at(10))
        assert seats_left(client, kind)[at(10).isoformat()] == left
    booked(kind, at(10))
    assert at(10).isoformat() not in seats_left(client, kind)
    refused(client.post(f"{address(kind)}/bookings", json=body(at(10))), 409, "slot_taken", "start")
    assert (count(Meeting), count(HostTime)) == (1, 1)


def test_a_class_with_one_guest_has_the_host_s_time(client: FlaskClient) -> None:
    host = member()
    hours = schedule(of=host)
    yoga, talk = group(of=host, on=hours, duration=60), event_type(of=host, on=hours)
    dance = group(of=host, on=hours)
    booked(yoga, at(10))
    for other in (talk, dance):
        assert not {at(10).isoformat(), at(10, 30).isoformat()} & set(slots(client, other, in_days(2)))
        refused(client.post(f"{address(other)}/bookings", json=body(at(10))), 409, "slot_taken", "start")
    refused(client.post(f"{address(yoga)}/bookings", json=body(at(10, 30))), 409, "slot_taken", "start")
    booked(talk, at(13))
    assert at(13).isoformat() not in seats_left(client, yoga)


def test_a_seat_that_is_given_up_is_free_and_the_last_one_frees_the_host(client: FlaskClient) -> None:
    host = member()
    hours = schedule(of=host)
    kind, talk = group(2, of=host, on=hours), event_type(of=host, on=hours)
    first, second = booked(kind, at(10)), booked(kind, at(10))
    with transaction():
        cancel(booking=first, by=Side.GUEST, reason="")
    assert seats_left(client, kind)[at(10).isoformat()] == 1
    assert at(10).isoformat() not in slots(client, talk, in_days(2))
    with transaction():
        cancel(booking=second, by=Side.GUEST, reason="")
    assert at(10).isoformat() in slots(client, talk, in_days(2))
    assert (count(Meeting), count(HostTime)) == (0, 0)


def test_a_guest_moves_and_the_others_stay(client: FlaskClient) -> None:
    kind = group(3)
    mover, other = booked(kind, at(10)), booked(kind, at(10))
    for start in (at(14), at(14, 30), at(10)):
        with transaction():
            reschedule(booking=mover, start=start)
        assert mover.starts_at == start
    assert (other.starts_at, mover.meeting_id) == (at(10), other.meeting_id)
    assert seats_left(client, kind)[at(10).isoformat()] == 1
    assert count(Meeting) == 1


@pytest.mark.usefixtures("app")
class TestMoving:
    def test_who_is_alone_does_not_stand_in_their_own_way(self) -> None:
        kind = group(duration=60)
        alone = booked(kind, at(10))
        with transaction():
            reschedule(booking=alone, start=at(10, 30))
        assert alone.starts_at == at(10, 30)

    def test_who_leaves_others_behind_cannot_have_a_time_that_overlaps_theirs(self) -> None:
        kind = group(duration=60)
        mover, _stays = booked(kind, at(10)), booked(kind, at(10))
        with pytest.raises(SlotTaken), transaction():
            reschedule(booking=mover, start=at(10, 30))

    def test_their_own_class_is_where_they_are(self) -> None:
        kind = group()
        mover, _stays = booked(kind, at(10)), booked(kind, at(10))
        with pytest.raises(NothingChanged), transaction():
            reschedule(booking=mover, start=at(10))

    def test_a_full_class_takes_nobody_in(self) -> None:
        kind = group(2)
        mover = booked(kind, at(9))
        booked(kind, at(10))
        booked(kind, at(10))
        with pytest.raises(SlotTaken), transaction():
            reschedule(booking=mover, start=at(10))


@pytest.mark.usefixtures("app")
class TestTerms:
    def test_limits_count_classes_and_not_seats(self) -> None:
        kind = group(3, limit_per_day=1)
        booked(kind, at(10))
        booked(kind, at(10))
        with pytest.raises(LimitReached), transaction():
            book(event_type=kind, start=at(14), guest=GUEST, answers={})
        assert booked(kind, at(10)).starts_at == at(10)

    def test_a_class_that_takes_place_anyway_is_offered_though_the_hours_have_changed(self) -> None:
        kind = group(3)
        booked(kind, at(10))
        with transaction():
            kind.schedule.hours = []
        day = in_days(2)
        offers = offered_slots(event_type=kind, first=day, last=day, zone=BERLIN)
        assert [(offer.start, offer.seats_left) for offer in offers] == [(at(10), 2)]
        assert booked(kind, at(10)).starts_at == at(10)

    def test_who_joins_ends_with_the_others_though_the_length_has_changed(self) -> None:
        kind = group(3)
        booked(kind, at(10))
        with transaction():
            kind.duration = 60
        day = in_days(2)
        offers = {offer.start: offer.end for offer in offered_slots(event_type=kind, first=day, last=day, zone=BERLIN)}
        assert (offers[at(10)], offers[at(14)]) == (at(10, 30), at(15))
        assert booked(kind, at(10)).ends_at == at(10, 30)


def test_more_seats_hold_for_classes_already_begun_and_fewer_send_nobody_away(client: FlaskClient) -> None:
    kind = group(2)
    booked(kind, at(10))
    booked(kind, at(10))
    for seats, left in ((4, 2), (2, None), (3, 1)):
        with transaction():
            update_event_type(event_type=kind, details=replace(DETAILS, seats=seats))
        assert seats_left(client, kind).get(at(10).isoformat()) == left


def test_an_event_type_stays_of_its_kind(app: Flask) -> None:
    kind = group(3)
    with transaction():
        update_event_type(event_type=kind, details=replace(DETAILS, kind=EventKind.ONE_TO_ONE, seats=2))
    assert (kind.kind, kind.seats) == (EventKind.GROUP, 2)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"seats": 1}, "seats"),
        ({"seats": 0}, "seats"),
        ({"seats": 1001}, "seats"),
        ({"kind": EventKind.ONE_TO_ONE}, "seats"),
        ({"other_durations": [60]}, "other_durations"),
    ],
)
def test_what_no_group_can_be_is_refused(app: Flask, changes: dict[str, Any], field: str) -> None:
    host = member()
    hours = schedule(of=host)
    with pytest.raises(InvalidInput) as caught, transaction():
        create_event_type(
            organization_id=host.organization_id,
            host_id=host.user_id,
            schedule=hours,
            details=replace(DETAILS, **changes),
        )
    assert [fault.field for fault in caught.value.errors] == [field]
