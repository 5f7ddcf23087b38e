from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from tests.factories import event_type
from tests.scheduling.helpers import address, at, body, refused
from webapp.core.db import session
from webapp.scheduling.models import Booking


def _count() -> int | None:
    return session().scalar(select(func.count()).select_from(Booking))


def test_a_request_sent_again_with_its_key_is_answered_the_same_and_books_once(client: FlaskClient) -> None:
    path, headers = f"{address(event_type())}/bookings", {"Idempotency-Key": "0b9c"}
    first = client.post(path, json=body(at(10)), headers=headers)
    again = client.post(path, json=body(at(10)), headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.get_json() == again.get_json()
    assert _count() == 1


def test_without_a_key_the_second_finds_the_slot_taken(client: FlaskClient) -> None:
    path = f"{address(event_type())}/bookings"
    assert client.post(path, json=body(at(10))).status_code == 201
    refused(client.post(path, json=body(at(10))), 409, "slot_taken", "start")


def test_a_key_cannot_be_used_for_something_else(client: FlaskClient) -> None:
    path, headers = f"{address(event_type())}/bookings", {"Idempotency-Key": "0b9c"}
    assert client.post(path, json=body(at(10)), headers=headers).status_code == 201
    refused(client.post(path, json=body(at(11)), headers=headers), 422, "idempotency_key_reused")
    assert _count() == 1


def test_the_same_key_at_another_event_type_is_another_key(client: FlaskClient) -> None:
    headers = {"Idempotency-Key": "0b9c"}
    for kind in (event_type(), event_type()):
        assert client.post(f"{address(kind)}/bookings", json=body(at(10)), headers=headers).status_code == 201


def test_a_refused_request_may_be_corrected_under_its_key(client: FlaskClient) -> None:
    path, headers = f"{address(event_type())}/bookings", {"Idempotency-Key": "0b9c"}
    refused(client.post(path, json=body(at(3)), headers=headers), 422, "outside_availability", "start")
    assert client.post(path, json=body(at(10)), headers=headers).status_code == 201


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "\u00e9"])
def test_a_key_is_a_short_text_without_blanks(client: FlaskClient, key: str) -> None:
    answer = client.post(f"{address(event_type())}/bookings", json=body(at(10)), headers={"Idempotency-Key": key})
    refused(answer, 422, "invalid", "Idempotency-Key")
