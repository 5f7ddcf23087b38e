from __future__ import annotations

from datetime import datetime

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import event_type, member
from tests.scheduling.helpers import BERLIN, at, bearer, booked, in_days, refused, slots, time_of
from webapp.core.db import session, transaction
from webapp.core.events import DomainEvent
from webapp.identity.models import Scope
from webapp.scheduling.errors import AlreadyCancelled, BookingOver
from webapp.scheduling.events import BookingRescheduled
from webapp.scheduling.models import Booking, BookingStatus, Side
from webapp.scheduling.service.booking import cancel, manage_token, reschedule
from webapp.scheduling.service.offers import offered_slots


def test_a_guest_moves_a_booking_and_the_old_time_is_free_again(client: FlaskClient) -> None:
    kind = event_type()
    booking = booked(kind, at(10))
    path = f"/api/v1/public/bookings/{manage_token(booking)}"
    answer = client.post(f"{path}/reschedule", json={"start": at(14).isoformat()})
    assert answer.status_code == 200, answer.text
    moved = answer.get_json()
    assert (moved["start"], moved["end"]) == (at(14).isoformat(), at(14, 30).isoformat())
    assert client.get(path).get_json() == moved
    assert booking.sequence == 1
    offered = slots(client, kind, in_days(2))
    assert at(10).isoformat() in offered
    assert at(14).isoformat() not in offered


def test_a_bookings_own_time_does_not_stand_in_its_way(app: Flask) -> None:
    kind = event_type(duration=60)
    booking = booked(kind, at(10))
    with transaction():
        reschedule(booking=booking, start=at(10, 30))
    assert (booking.starts_at, booking.ends_at) == (at(10, 30), at(11, 30))


def test_a_guest_who_moves_is_offered_what_only_their_own_booking_takes(app: Flask) -> None:
    kind = event_type(duration=60)
    booking = booked(kind, at(10))
    day = in_days(2)

    def starts(moving: Booking | None) -> set[datetime]:
        offers = offered_slots(event_type=kind, first=day, last=day, zone=BERLIN, moving=moving)
        return {offer.start for offer in offers}

    assert starts(booking) - starts(None) == {at(9, 30), at(10), at(10, 30)}


def test_programs_list_the_times_to_move_to_and_each_is_one(client: FlaskClient) -> None:
    host = member()
    kind = event_type(of=host, duration=60, reschedule_notice=60)
    booking = booked(kind, at(10))
    public, members = f"/api/v1/public/bookings/{manage_token(booking)}", f"/api/v1/bookings/{booking.id}"
    days = {"start": in_days(2).isoformat(), "end": in_days(2).isoformat(), "timezone": "Europe/Berlin"}
    listed = client.get(f"{public}/slots", query_string=days)
    assert client.get(f"{members}/slots", query_string=days, headers=bearer(host)).get_json() == listed.get_json()
    assert listed.get_json()["timezone"] == "Europe/Berlin"
    starts = [slot["start"] for slot in listed.get_json()["slots"]]
    assert set(starts) - set(slots(client, kind, in_days(2))) == {at(9, 30).isoformat(), at(10, 30).isoformat()}
    for start in (starts[-1], starts[0]):
        assert client.post(f"{public}/reschedule", json={"start": start}).status_code == 200


def test_the_times_to_move_to_are_told_to_whom_the_booking_concerns_and_while_it_can_move(
    client: FlaskClient,
) -> None:
    host = member()
    kind = event_type(of=host, reschedule_notice=None)
    booking = booked(kind, at(10))
    public, members = f"/api/v1/public/bookings/{manage_token(booking)}/slots", f"/api/v1/bookings/{booking.id}/slots"
    days = {"start": in_days(2).isoformat(), "end": in_days(2).isoformat(), "timezone": "Europe/Berlin"}
    refused(client.get(public, query_string=days), 409, "too_late_to_move")
    assert client.get(members, query_string=days, headers=bearer(host)).status_code == 200
    refused(client.get(members, query_string=days), 401, "unauthenticated")
    refused(client.get(members, query_string=days, headers=bearer()), 404, "not_found")
    refused(
        client.get(members, query_string=days, headers=bearer(host, Scope.EVENT_TYPES_READ)), 403, "insufficient_scope"
    )
    refused(client.get(f"{public[:-7]}x/slots", query_string=days), 404, "not_found")
    refused(client.get(public, query_string={"start": "soon"}), 422, "invalid", "end", "start", "timezone")
    reversed_ = days | {"start": in_days(3).isoformat()}
    assert client.get(members, query_string=reversed_, headers=bearer(host)).status_code == 422
    assert client.post(public).status_code == 405
    with transaction():
        cancel(booking=booking, by=Side.HOST, reason="")
    for path, headers in ((public, {}), (members, bearer(host))):
        refused(client.get(path, query_string=days, headers=headers), 409, "already_cancelled")


def test_each_move_is_announced_with_where_it_came_from(app: Flask, heard: list[DomainEvent]) -> None:
    booking = booked(event_type(), at(10))
    heard.clear()
    for start in (at(11), at(12)):
        with transaction():
            reschedule(booking=booking, start=start)
    assert heard == [
        BookingRescheduled(booking_id=booking.id, previous_start=at(10), sequence=1),
        BookingRescheduled(booking_id=booking.id, previous_start=at(11), sequence=2),
    ]


def test_a_move_to_where_it_is_changes_nothing(client: FlaskClient, heard: list[DomainEvent]) -> None:
    booking = booked(event_type(), at(10))
    heard.clear()
    path = f"/api/v1/public/bookings/{manage_token(booking)}/reschedule"
    refused(client.post(path, json={"start": at(10).isoformat()}), 409, "nothing_changed", "start")
    assert booking.sequence == 0
    assert heard == []


def test_a_booking_cannot_move_onto_another_one_nor_out_of_hours(client: FlaskClient) -> None:
    kind = event_type()
    booking = booked(kind, at(10))
    booked(kind, at(14))
    path = f"/api/v1/public/bookings/{manage_token(booking)}/reschedule"
    refused(client.post(path, json={"start": at(14).isoformat()}), 409, "slot_taken", "start")
    refused(client.post(path, json={"start": at(3).isoformat()}), 422, "outside_availability", "start")
    refused(client.post(path, json={"start": at(10, days=-1).isoformat()}), 422, "in_the_past", "start")
    session().refresh(booking)
    assert booking.starts_at == at(10)


def test_the_length_and_buffers_of_today_hold_for_the_new_time(app: Flask) -> None:
    kind = event_type()
    booking = booked(kind, at(10))
    with transaction():
        kind.duration, kind.buffer_after = 45, 15
    with transaction():
        reschedule(booking=booking, start=at(14))
    assert (booking.ends_at, time_of(booking).blocked_until) == (at(14, 45), at(15))


def test_a_cancelled_booking_does_not_move(client: FlaskClient) -> None:
    booking = booked(event_type(), at(10))
    with transaction():
        cancel(booking=booking, by=Side.HOST, reason="")
    path = f"/api/v1/public/bookings/{manage_token(booking)}/reschedule"
    refused(client.post(path, json={"start": at(14).isoformat()}), 409, "already_cancelled")


@pytest.mark.parametrize("minute", [0, 10, 40])
def test_a_meeting_that_has_begun_does_not_move(app: Flask, minute: int) -> None:
    booking = booked(event_type(), at(10))
    with time_machine.travel(at(10, minute), tick=False), pytest.raises(BookingOver), transaction():
        reschedule(booking=booking, start=at(14))


def test_a_booking_that_somebody_cancelled_meanwhile_is_seen_to_be(app: Flask) -> None:
    booking = booked(event_type(), at(10))
    with transaction():
        session().connection().exec_driver_sql(
            "UPDATE booking SET status = 'cancelled', cancelled_at = now(), cancelled_by = 'host', meeting_id = NULL"
        )
    assert booking.status is BookingStatus.CONFIRMED  # as far as this request knows
    with pytest.raises(AlreadyCancelled), transaction():
        reschedule(booking=booking, start=at(14))


@pytest.mark.parametrize(
    "sent", [{}, {"start": None}, {"start": 1795514400}, {"start": "2026-11-24T10:00:00"}, {"start": "tomorrow"}, []]
)
def test_a_move_needs_a_start_with_its_offset(client: FlaskClient, sent: object) -> None:
    booking = booked(event_type(), at(10))
    answer = client.post(f"/api/v1/public/bookings/{manage_token(booking)}/reschedule", json=sent)
    refused(answer, 422, "invalid", "start" if sent != [] else "body")


def test_a_link_that_was_copied_badly_opens_nothing(client: FlaskClient) -> None:
    token = manage_token(booked(event_type()))
    for strange in (token[:-1], token + "x", token.swapcase(), "%00", "%ff", "x" * 5000):
        path = f"/api/v1/public/bookings/{strange}"
        refused(client.get(path), 404, "not_found")
        refused(client.post(f"{path}/reschedule", json={"start": at(14).isoformat()}), 404, "not_found")
        refused(client.post(f"{path}/cancel", json={}), 404, "not_found")
