"""Waitlists for programs: those of guests, and those of members under their tokens."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.factories import event_type, member, schedule
from tests.scheduling.helpers import address, at, bearer, booked, in_days, refused
from tests.scheduling.waiting import bookable, cancelled, joined, status, statuses, work
from webapp.core.crypto import new_token
from webapp.identity.models import Membership, Role, Scope
from webapp.scheduling.models import EventType, WaitStatus
from webapp.scheduling.service.waitlist import waitlist_token

DAYS = {"start": in_days(2).isoformat(), "end": in_days(3).isoformat(), "timezone": "Europe/Berlin"}


@pytest.fixture
def host(client: FlaskClient) -> Membership:
    return member()


@pytest.fixture
def kind(host: Membership) -> EventType:
    return bookable(of=host, on=schedule(of=host))


def wish(**changes: Any) -> dict[str, Any]:
    invitee = {"name": "Mara Okafor", "email": "mara@example.org"}
    usual = {"start": at(10).isoformat(), "timezone": "Europe/Berlin", "invitee": invitee}
    return {name: value for name, value in (usual | changes).items() if value is not None}


def test_what_is_taken_is_told(client: FlaskClient) -> None:
    kind = bookable(duration=240, slot_interval=240)
    booked(kind, at(9)), booked(kind, at(13)), booked(kind, at(9, days=3))
    found = client.get(f"{address(kind)}/waitlist", query_string=DAYS).get_json()
    wanted = [at(9), at(13), at(9, days=3)]
    assert [time["start"] for time in found["times"]] == [start.isoformat() for start in wanted]
    assert found["full_days"] == [in_days(2).isoformat()]
    refused(client.get(f"{address(event_type())}/waitlist", query_string=DAYS), 404, "not_found")


def test_a_guest_joins_waits_and_takes_the_offer(client: FlaskClient, kind: EventType, host: Membership) -> None:
    mine = booked(kind)
    joined(kind, "Bea")
    answer = client.post(f"{address(kind)}/waitlist", json=wish(), headers={"Idempotency-Key": "one"})
    again = client.post(f"{address(kind)}/waitlist", json=wish(), headers={"Idempotency-Key": "one"})
    assert (answer.status_code, answer.get_json()) == (201, again.get_json())
    assert (answer.get_json()["status"], answer.get_json()["position"]) == ("waiting", 2)
    place = f"/api/v1/public/waitlist/{answer.get_json()['url'].rpartition('/')[2]}"
    refused(client.post(f"{place}/accept", json={}), 409, "no_offer")
    refused(client.post(f"{place}/refuse"), 409, "no_offer")
    cancelled(mine)
    work()
    first = client.get("/api/v1/waitlist", headers=bearer(host)).get_json()["items"][0]
    assert (first["invitee"]["email"], first["offer"]["start"]) == ("bea@example.com", first["start"])
    assert client.post(f"/api/v1/waitlist/{first['id']}/remove", headers=bearer(host)).status_code == 200
    work()
    shown = client.get(place).get_json()
    assert (shown["status"], shown["position"], shown["offer"]["start"]) == ("offered", None, at(10).isoformat())
    taken = client.post(f"{place}/accept", json={})
    assert (taken.status_code, taken.get_json()["start"]) == (201, at(10).isoformat())
    refused(client.post(f"{place}/leave"), 409, "not_in_line")


def test_a_guest_passes_an_offer_on(client: FlaskClient, kind: EventType) -> None:
    mine = booked(kind)
    line = [joined(kind, "Bea"), joined(kind, "Cy")]
    cancelled(mine)
    work()
    answer = client.post(f"/api/v1/public/waitlist/{waitlist_token(line[0])}/refuse")
    assert answer.get_json()["status"] == "refused"
    work()
    left = client.post(f"/api/v1/public/waitlist/{waitlist_token(line[1])}/leave")
    assert left.get_json()["status"] == "left"
    assert statuses(*line) == ["refused", "left"]


@pytest.mark.parametrize(
    ("changes", "refusal", "fields"),
    [
        ({"start": None}, (422, "invalid"), ["body"]),
        ({"day": in_days(2).isoformat()}, (422, "invalid"), ["body"]),
        ({"start": None, "day": "soon"}, (422, "invalid"), ["day"]),
        ({"start": at(11).isoformat()}, (409, "still_free"), []),
        ({"start": None, "day": in_days(2).isoformat()}, (409, "still_free"), []),
        ({"start": at(3).isoformat()}, (422, "outside_availability"), ["start"]),
        ({"timezone": "Nowhere"}, (422, "invalid"), ["timezone"]),
        ({"duration": 7}, (422, "invalid"), ["duration"]),
        ({"answers": {"topic": "?"}}, (422, "invalid"), ["answers.topic"]),
        ({"invitee": {"name": "Mara", "email": "mara"}}, (422, "invalid"), ["invitee.email"]),
    ],
)
def test_what_makes_no_sense_is_refused(
    client: FlaskClient, kind: EventType, changes: dict[str, Any], refusal: tuple[int, str], fields: list[str]
) -> None:
    booked(kind)
    refused(client.post(f"{address(kind)}/waitlist", json=wish(**changes)), *refusal, *fields)


def test_nobody_joins_twice(client: FlaskClient, kind: EventType) -> None:
    booked(kind)
    assert client.post(f"{address(kind)}/waitlist", json=wish()).status_code == 201
    refused(client.post(f"{address(kind)}/waitlist", json=wish()), 409, "already_waiting", "invitee.email")


def test_strangers_get_nowhere(client: FlaskClient, kind: EventType, host: Membership) -> None:
    booked(kind)
    entry = joined(kind, "Bea")
    nobody = f"/api/v1/public/waitlist/{new_token()}"
    refused(client.get(nobody), 404, "not_found")
    for answer in ("accept", "refuse", "leave"):
        refused(client.post(f"{nobody}/{answer}", json={}), 404, "not_found")
        assert client.get(f"{nobody}/{answer}").status_code == 405
    remove = f"/api/v1/waitlist/{entry.id}/remove"
    colleague = member(of=host.organization, role=Role.MEMBER)
    for outsider in (member(), colleague):
        assert client.get("/api/v1/waitlist", headers=bearer(outsider)).get_json()["items"] == []
        refused(client.post(remove, headers=bearer(outsider)), 404, "not_found")
    refused(client.post(remove), 401, "unauthenticated")
    refused(client.post(remove, headers=bearer(host, Scope.BOOKINGS_READ)), 403, "insufficient_scope")
    assert client.get(remove).status_code == 405
    assert status(entry) is WaitStatus.WAITING


def test_a_long_waitlist_comes_page_by_page(client: FlaskClient, kind: EventType, host: Membership) -> None:
    booked(kind, at(9)), booked(kind, at(10))
    line = [joined(kind, "Bea", at(10)), joined(kind, "Cy", at(9)), joined(kind, "Dee", at(10))]
    headers, seen, cursor = bearer(host), [], None
    while True:
        query = {"limit": 1} | ({"cursor": cursor} if cursor else {})
        page = client.get("/api/v1/waitlist", headers=headers, query_string=query).get_json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if not cursor:
            break
    assert seen == [str(line[number].id) for number in (1, 0, 2)]
