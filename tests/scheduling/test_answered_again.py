"""A request that is sent again under its key is answered as before, and what is kept for that opens nothing."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from tests.factories import event_type, member, schedule
from tests.notifications.test_mails_to_a_team import work
from tests.scheduling.helpers import address, at, bearer, body, booked, refused
from tests.scheduling.test_waitlist_api import wish
from tests.scheduling.waiting import bookable, tokens_of_a_line
from webapp.core.db import metadata, session, transaction
from webapp.identity.models import Scope
from webapp.scheduling import queries
from webapp.scheduling.models import Side
from webapp.scheduling.service.access import revoke_link
from webapp.scheduling.service.booking import reschedule

KEY = {"Idempotency-Key": "0b9c"}


def tables_with(words: str) -> list[str]:
    """The tables that have a row in which these words stand."""
    session().rollback()
    return [
        table.name
        for table in metadata.sorted_tables
        if session().scalar(
            text(f'SELECT EXISTS (SELECT 1 FROM "{table.name}" AS kept WHERE strpos(kept::text, :words) > 0)'),
            {"words": words},
        )
    ]


def last_part(url: str) -> str:
    return url.rpartition("/")[2]


@pytest.mark.parametrize("changes", [{}, {"recurrence": {"frequency": "weekly", "count": 3}}])
def test_no_table_has_the_link_of_a_booking(client: FlaskClient, changes: dict[str, Any]) -> None:
    path, sent = f"{address(event_type(series_most=3))}/bookings", body(at(10), **changes)
    made = client.post(path, json=sent, headers=KEY)
    assert made.status_code == 201, made.text
    work()
    shown = made.get_json()
    for each in (shown, *shown.get("series", [])):
        assert tables_with(last_part(each["manage_url"])) == []
    assert client.post(path, json=sent, headers=KEY).get_json() == shown


def test_no_table_has_the_link_of_a_place_in_line(client: FlaskClient) -> None:
    kind = bookable()
    booked(kind)
    made, again = (client.post(f"{address(kind)}/waitlist", json=wish(), headers=KEY) for _ in range(2))
    assert made.status_code == 201, made.text
    work()
    assert tables_with(last_part(made.get_json()["url"])) == []
    assert again.get_json() == made.get_json()


def test_an_offer_is_accepted_once_and_the_answer_can_be_had_again(client: FlaskClient) -> None:
    kind = bookable()
    token = tokens_of_a_line(kind, at(10))[1]
    path = f"/api/v1/public/waitlist/{token}/accept"
    made, again = (client.post(path, json={}, headers=KEY) for _ in range(2))
    assert (made.status_code, again.status_code) == (201, 201), again.text
    assert again.get_json() == made.get_json()
    work()
    assert tables_with(token) == tables_with(last_part(made.get_json()["manage_url"])) == []
    other = client.post(path, json={"answers": {"topic": "?"}}, headers=KEY)
    refused(other, 422, "idempotency_key_reused")
    refused(client.post(path, json={}), 409, "no_offer")
    refused(client.post(path, json={}, headers={"Idempotency-Key": "another"}), 409, "no_offer")


def test_no_table_has_the_link_of_a_secret_event_type(client: FlaskClient) -> None:
    host = member()
    schedule(of=host)
    program = bearer(host, Scope.EVENT_TYPES_READ, Scope.EVENT_TYPES_WRITE) | KEY
    sent = {"name": "First talk", "duration": 30, "is_secret": True}
    made, again = (client.post("/api/v1/event-types", json=sent, headers=program) for _ in range(2))
    assert made.status_code == 201, made.text
    assert tables_with(made.get_json()["url"].partition("link=")[2]) == []
    assert again.get_json() == made.get_json()


def test_who_was_booked_for_is_not_kept_with_the_key(client: FlaskClient) -> None:
    host = member()
    sent = body(at(10), event_type_id=str(event_type(of=host).id))
    made, again = (client.post("/api/v1/bookings", json=sent, headers=bearer(host) | KEY) for _ in range(2))
    assert made.status_code == 201, made.text
    assert "idempotent_request" not in tables_with("ada@example.com")
    assert again.get_json() == made.get_json()


def test_after_a_link_was_revoked_the_same_request_is_answered_with_the_one_that_opens(client: FlaskClient) -> None:
    kind = event_type()
    made = client.post(f"{address(kind)}/bookings", json=body(at(10)), headers=KEY).get_json()
    with transaction():
        revoke_link(booking=queries.get_booking(kind.organization_id, made["id"]))
    again = client.post(f"{address(kind)}/bookings", json=body(at(10)), headers=KEY).get_json()
    assert again["id"] == made["id"]
    opened = [client.get(f"/api/v1/public/bookings/{last_part(each['manage_url'])}") for each in (made, again)]
    assert [answer.status_code for answer in opened] == [404, 200]


def test_what_was_made_is_shown_as_it_stands(client: FlaskClient) -> None:
    kind, sent = event_type(series_most=3), body(at(10), recurrence={"frequency": "weekly", "count": 3})
    made = client.post(f"{address(kind)}/bookings", json=sent, headers=KEY).get_json()
    with transaction():
        moved = queries.get_booking(kind.organization_id, made["id"])
        reschedule(booking=moved, start=at(11, days=40), by=Side.HOST)
    again = client.post(f"{address(kind)}/bookings", json=sent, headers=KEY)
    assert again.status_code == 201
    assert (again.get_json()["id"], again.get_json()["start"]) == (made["id"], at(11, days=40).isoformat())
    assert {each["id"] for each in again.get_json()["series"]} == {each["id"] for each in made["series"]}
