from __future__ import annotations

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import event_type, member
from tests.scheduling.helpers import at, bearer, booked, in_days, refused, slots
from webapp.core.db import session, transaction
from webapp.core.events import DomainEvent
from webapp.identity.models import Membership, Role, Scope
from webapp.scheduling.errors import AlreadyCancelled, BookingOver
from webapp.scheduling.events import BookingCancelled
from webapp.scheduling.models import BookingStatus, Side
from webapp.scheduling.service.booking import cancel, manage_token


def test_a_guest_cancels_and_the_time_is_free_again(client: FlaskClient, heard: list[DomainEvent]) -> None:
    kind = event_type()
    booking = booked(kind, at(10))
    heard.clear()
    path = f"/api/v1/public/bookings/{manage_token(booking)}"
    answer = client.post(f"{path}/cancel", json={"reason": "  A cold.  "})
    assert answer.status_code == 200, answer.text
    assert answer.get_json()["status"] == "cancelled"
    assert answer.get_json()["can_change"] is False
    assert client.get(path).get_json() == answer.get_json()
    assert (booking.cancelled_by, booking.cancel_reason) == (Side.GUEST, "A cold.")
    assert booking.cancelled_at is not None
    assert heard == [BookingCancelled(booking_id=booking.id)]
    assert at(10).isoformat() in slots(client, kind, in_days(2))


def test_no_reason_and_no_body_are_needed(client: FlaskClient) -> None:
    kind = event_type()
    for hour, sent in ((10, None), (11, {}), (12, {"reason": None}), (13, {"reason": ""})):
        path = f"/api/v1/public/bookings/{manage_token(booked(kind, at(hour)))}/cancel"
        answer = client.post(path) if sent is None else client.post(path, json=sent)
        assert (answer.status_code, answer.get_json()["cancel_reason"]) == (200, "")


def test_cancelling_twice_says_so_and_announces_once(client: FlaskClient, heard: list[DomainEvent]) -> None:
    booking = booked(event_type())
    path = f"/api/v1/public/bookings/{manage_token(booking)}/cancel"
    assert client.post(path, json={"reason": "first"}).status_code == 200
    heard.clear()
    refused(client.post(path, json={"reason": "second"}), 409, "already_cancelled")
    assert heard == []
    assert booking.cancel_reason == "first"


def test_following_the_link_changes_nothing(client: FlaskClient) -> None:
    booking = booked(event_type())
    path = f"/api/v1/public/bookings/{manage_token(booking)}"
    refused(client.get(f"{path}/cancel"), 405, "method_not_allowed")
    assert client.get(path).get_json()["status"] == "confirmed"
    assert client.head(path).status_code == 200
    session().refresh(booking)
    assert booking.status is BookingStatus.CONFIRMED


def test_a_meeting_that_has_begun_is_not_cancelled(app: Flask) -> None:
    booking = booked(event_type(), at(10))
    with time_machine.travel(at(10, 5), tick=False), pytest.raises(BookingOver), transaction():
        cancel(booking=booking, by=Side.GUEST, reason="")


def test_a_booking_that_somebody_else_cancelled_meanwhile_is_seen_to_be(app: Flask) -> None:
    booking = booked(event_type())
    with transaction():
        session().connection().exec_driver_sql(
            "UPDATE booking SET status = 'cancelled', cancelled_at = now(), cancelled_by = 'host', meeting_id = NULL"
        )
    assert booking.status is BookingStatus.CONFIRMED  # as far as this request knows
    with pytest.raises(AlreadyCancelled), transaction():
        cancel(booking=booking, by=Side.GUEST, reason="")


@pytest.mark.parametrize("reason", ["x" * 501, "a\0b", 5, ["ill"]])
def test_a_reason_has_to_be_a_text_of_sane_length(client: FlaskClient, reason: object) -> None:
    booking = booked(event_type())
    answer = client.post(f"/api/v1/public/bookings/{manage_token(booking)}/cancel", json={"reason": reason})
    refused(answer, 422, "invalid", "reason")


def _colleague(of: Membership, role: Role) -> Membership:
    return member(of=of.organization, role=role)


def test_a_host_cancels_with_a_token(client: FlaskClient) -> None:
    host = member(role=Role.MEMBER)
    booking = booked(event_type(of=host))
    answer = client.post(f"/api/v1/bookings/{booking.id}/cancel", json={"reason": "Ill"}, headers=bearer(host))
    assert answer.status_code == 200, answer.text
    assert (answer.get_json()["cancelled_by"], answer.get_json()["cancel_reason"]) == ("host", "Ill")
    refused(client.post(f"/api/v1/bookings/{booking.id}/cancel", headers=bearer(host)), 409, "already_cancelled")


def test_an_administrator_cancels_for_a_colleague_and_a_colleague_does_not(client: FlaskClient) -> None:
    host = member(role=Role.MEMBER)
    booking = booked(event_type(of=host))
    path = f"/api/v1/bookings/{booking.id}/cancel"
    refused(client.post(path, headers=bearer(_colleague(host, Role.MEMBER))), 404, "not_found")
    assert client.post(path, headers=bearer(_colleague(host, Role.ADMIN))).status_code == 200


def test_strangers_and_weak_tokens_cancel_nothing(client: FlaskClient) -> None:
    host = member()
    booking = booked(event_type(of=host))
    path = f"/api/v1/bookings/{booking.id}/cancel"
    refused(client.post(path, headers=bearer(member())), 404, "not_found")
    refused(client.post(path, headers=bearer(host, Scope.BOOKINGS_READ)), 403, "insufficient_scope")
    refused(client.post(path), 401, "unauthenticated")
    refused(client.get(path), 405, "method_not_allowed")
    session().refresh(booking)
    assert booking.status is BookingStatus.CONFIRMED
