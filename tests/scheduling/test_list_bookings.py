from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import event_type, member, schedule
from tests.scheduling.helpers import BERLIN, GUEST, at, bearer, booked, counted_queries, refused
from webapp.core import clock
from webapp.core.db import db, transaction
from webapp.identity.models import Membership, Role, Scope
from webapp.scheduling.models import Booking, Side
from webapp.scheduling.queries import today_and_next
from webapp.scheduling.service.booking import book, cancel


def _listed(client: FlaskClient, of: Membership, **query: Any) -> list[str]:
    answer = client.get("/api/v1/bookings", query_string=query, headers=bearer(of))
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.get_json()["items"]]


def _ids(*bookings: Booking) -> list[str]:
    return [str(booking.id) for booking in bookings]


def test_a_booking_is_shown_whole(client: FlaskClient) -> None:
    host = member()
    kind = event_type(of=host)
    booking = booked(kind)
    answer = client.get(f"/api/v1/bookings/{booking.id}", headers=bearer(host))
    shown = answer.get_json()
    assert client.get("/api/v1/bookings", headers=bearer(host)).get_json() == {"items": [shown], "next_cursor": None}
    assert shown.pop("created_at")
    assert shown == {
        "id": str(booking.id),
        "status": "confirmed",
        "start": booking.starts_at.isoformat(),
        "end": booking.ends_at.isoformat(),
        "sequence": 0,
        "series_id": None,
        "event_type": {"id": str(kind.id), "slug": kind.slug, "name": kind.name},
        "host": {"id": str(host.user_id), "name": host.user.name},
        "hosts": [{"id": str(host.user_id), "name": host.user.name}],
        "invitee": {"name": GUEST.name, "email": GUEST.email, "phone": None, "timezone": "Europe/Berlin", "locale": ""},
        "attendees": [],
        "answers": {},
        "cancelled_at": None,
        "cancelled_by": None,
        "cancel_reason": "",
        "attendance": "unknown",
        "attendance_at": None,
        "attendance_by": None,
        "declined_at": None,
        "declined_by": None,
        "decline_reason": "",
    }


def test_lists_by_when_are_in_the_order_that_helps(client: FlaskClient) -> None:
    host = member()
    kind = event_type(of=host)
    later, sooner, off = booked(kind, at(12)), booked(kind, at(10)), booked(kind, at(14))
    with time_machine.travel(clock.now() - timedelta(days=9)):
        old = booked(kind, at(10))
        older = booked(kind, at(9))
    with transaction():
        cancel(booking=off, by=Side.HOST, reason="")
    assert _listed(client, host, when="upcoming") == _ids(sooner, later)
    assert _listed(client, host, when="past") == _ids(old, older)
    assert _listed(client, host, when="cancelled") == _ids(off)
    assert _listed(client, host) == _listed(client, host, when="all") == _ids(off, later, sooner, old, older)


def test_search_finds_names_addresses_and_event_types_and_takes_signs_as_they_are(client: FlaskClient) -> None:
    host = member()
    hours = schedule(of=host)
    talk, tax = event_type(of=host, on=hours, name="Talk"), event_type(of=host, on=hours, name="Tax 100% done")
    first, second = booked(talk, at(10)), booked(tax, at(12))
    with transaction():
        first.guest_name, first.guest_email = "Jürgen_Groß", "jg@example.org"
    assert _listed(client, host, search="jürgen") == _ids(first)
    assert _listed(client, host, search="EXAMPLE.ORG ") == _ids(first)
    assert _listed(client, host, search="tax") == _ids(second)
    assert _listed(client, host, search="100%") == _ids(second)
    assert _listed(client, host, search="%") == _ids(second)
    assert _listed(client, host, search="_") == _ids(first)
    assert _listed(client, host, search="\\") == []
    assert _listed(client, host, search="\0") == _ids(second, first)


@pytest.mark.parametrize("when", ["upcoming", "all"])
def test_page_by_page_every_booking_comes_once(client: FlaskClient, when: str) -> None:
    host = member()
    kind, headers = event_type(of=host), bearer(host)
    expected = [str(booked(kind, at(9 + number // 2, 30 * (number % 2))).id) for number in range(7)]
    seen: list[str] = []
    query: dict[str, Any] = {"when": when, "limit": 3}
    sizes = []
    while True:
        page = client.get("/api/v1/bookings", query_string=query, headers=headers).get_json()
        sizes.append(len(page["items"]))
        seen += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert sizes == [3, 3, 1]
    assert seen == (expected if when == "upcoming" else expected[::-1])


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"cursor": "nonsense"}, "cursor"),
        ({"cursor": "W10"}, "cursor"),
        ({"cursor": "\u00e9"}, "cursor"),
        ({"cursor": ""}, "cursor"),
        ({"cursor": "A" * 300}, "cursor"),
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"limit": "9" * 30}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"when": "someday"}, "when"),
        ({"search": "x" * 201}, "search"),
    ],
)
def test_a_list_asked_for_in_a_way_that_makes_no_sense_is_refused(
    client: FlaskClient, query: dict[str, Any], field: str
) -> None:
    answer = client.get("/api/v1/bookings", query_string=query, headers=bearer())
    refused(answer, 422, "invalid", field)


def test_members_see_what_they_host_and_administrators_everything(client: FlaskClient) -> None:
    owner = member()
    worker, colleague = (member(of=owner.organization, role=Role.MEMBER) for _ in range(2))
    booking = booked(event_type(of=worker))
    path = f"/api/v1/bookings/{booking.id}"
    for sees in (owner, worker, member(of=owner.organization, role=Role.ADMIN)):
        assert _listed(client, sees) == _ids(booking)
        assert client.get(path, headers=bearer(sees)).status_code == 200
    assert _listed(client, colleague) == []
    refused(client.get(path, headers=bearer(colleague)), 404, "not_found")


def test_another_organisation_sees_nothing_of_it(client: FlaskClient) -> None:
    host = member()
    kind = event_type(of=host)
    booking = booked(kind)
    outsider = bearer(member())
    assert client.get("/api/v1/bookings", headers=outsider).get_json()["items"] == []
    refused(client.get(f"/api/v1/bookings/{booking.id}", headers=outsider), 404, "not_found")
    assert client.get("/api/v1/event-types", headers=outsider).get_json() == {"items": []}


@pytest.mark.parametrize(
    "path", ["/api/v1/bookings", "/api/v1/bookings/018f0000-0000-7000-8000-000000000000", "/api/v1/event-types"]
)
def test_a_token_with_the_right_scope_is_needed_and_only_reading_is_done(client: FlaskClient, path: str) -> None:
    refused(client.get(path), 401, "unauthenticated")
    refused(client.get(path, headers={"Authorization": "Bearer alm_nonsense"}), 401, "unauthenticated")
    refused(client.get(path, headers=bearer(member(), Scope.BOOKINGS_WRITE)), 403, "insufficient_scope")
    refused(client.delete(path, headers=bearer()), 405, "method_not_allowed")


def test_what_is_no_id_names_no_booking(client: FlaskClient) -> None:
    for strange in ("1", "x" * 500, "%00", str(uuid4())):
        refused(client.get(f"/api/v1/bookings/{strange}", headers=bearer()), 404, "not_found")


def test_event_types_are_listed_with_all_their_rules(client: FlaskClient) -> None:
    owner = member()
    worker = member(of=owner.organization, role=Role.MEMBER)
    own, other = event_type(of=owner, is_active=False), event_type(of=worker, buffer_after=10)
    answer = client.get("/api/v1/event-types", headers=bearer(owner)).get_json()["items"]
    assert [item["id"] for item in answer] == [str(own.id), str(other.id)]
    assert (answer[0]["is_active"], answer[1]["buffer_after"], answer[1]["slot_interval"]) == (False, 10, 30)
    seen = client.get("/api/v1/event-types", headers=bearer(worker)).get_json()["items"]
    assert [item["id"] for item in seen] == [str(other.id)]


def test_a_long_page_costs_no_more_queries_than_a_short_one(client: FlaskClient) -> None:
    host = member()
    headers = bearer(host)
    kinds = [event_type(of=host, on=schedule(of=host)) for _ in range(3)]
    booked(kinds[0], at(9))
    with_one = _queries_of(client, headers)
    for number in range(1, 12):
        booked(db.session.merge(kinds[number % 3]), at(9 + number // 2, 30 * (number % 2)))
    assert _queries_of(client, headers) == with_one <= 4


def _queries_of(client: FlaskClient, headers: dict[str, str]) -> int:
    client.get("/api/v1/bookings", headers=headers)  # the use of a token is noted once a minute
    db.session.remove()  # nothing is known from before
    with counted_queries() as statements:
        assert client.get("/api/v1/bookings", headers=headers).status_code == 200
    return len(statements)


def test_a_host_sees_today_what_comes_next_and_how_full_the_week_is(app: Flask) -> None:
    host = member()
    kind = event_type(of=host)
    monday = at(8, days=7 - at(8, days=0).weekday())  # of next week
    with time_machine.travel(monday, tick=False):
        today, tomorrow, friday = (booked(kind, at(10, days=days)) for days in (0, 1, 4))
        gone = booked(kind, at(12, days=0))
        booked(event_type(), at(10, days=0))
        next_week = [booked(kind, at(10, days=days)) for days in (7, 8)]
        with transaction():
            cancel(booking=gone, by=Side.HOST, reason="")
        agenda = today_and_next(organization_id=host.organization_id, host_id=host.user_id, zone=BERLIN, limit=3)
    assert agenda.today == [[today]]
    assert agenda.next_up == [[tomorrow], [friday], [next_week[0]]]
    assert agenda.this_week == 3


def test_a_meeting_across_midnight_is_todays_until_it_ends(app: Flask) -> None:
    host = member()
    kind = event_type(of=host, on=schedule(of=host, zone="America/Los_Angeles"), duration=60)
    with transaction():
        late = book(event_type=kind, start=at(23, 0), guest=GUEST, answers={})
    with time_machine.travel(at(12), tick=False):
        here = today_and_next(organization_id=host.organization_id, host_id=host.user_id, zone=BERLIN)
    assert here.today == [[late]]
