"""A program makes, reads, changes, switches, copies and deletes event types."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from tests.factories import event_type, member, schedule
from tests.scheduling.helpers import at, bearer, booked, refused
from tests.scheduling.pages import Visitor
from webapp.core.db import session
from webapp.identity.models import Membership, Role, Scope
from webapp.scheduling.models import EventType
from webapp.scheduling.schemas.event_types import EventTypeIn
from webapp.scheduling.service.event_types import EventTypeDetails

PATH = "/api/v1/event-types"
READ, WRITE = Scope.EVENT_TYPES_READ, Scope.EVENT_TYPES_WRITE
FULL: dict[str, Any] = {
    "name": "First talk",
    "slug": "talk",
    "description": "All about it",
    "duration": 45,
    "other_durations": [60],
    "slot_interval": 15,
    "slot_offset": 10,
    "buffer_before": 5,
    "buffer_after": 10,
    "buffers_among_own": True,
    "minimum_notice": 120,
    "horizon_days": 30,
    "limit_per_day": 3,
    "limit_per_week": None,
    "limit_per_month": 20,
    "series_most": 4,
    "is_secret": True,
    "location_kind": "you_call",
    "location": "+49301234567",
    "color": "purple",
    "all_day_events": "ignore",
    "most_attendees": 3,
    "expects_check_in": True,
    "requires_approval": True,
    "waitlist_enabled": True,
    "cancel_notice": None,
    "reschedule_notice": 60,
    "policy": "Please be kind",
}


@pytest.fixture
def program(host: Membership) -> dict[str, str]:
    return bearer(host, READ, WRITE)


def count() -> int:
    session().rollback()
    return session().scalar(select(func.count()).select_from(EventType)) or 0


def test_all_of_an_event_type_can_be_said_and_is_read_again(client: FlaskClient, program: dict[str, str]) -> None:
    question = {"label": "How big?", "kind": "single_choice", "options": ["S", "M"], "required": True}
    made = client.post(PATH, json=FULL | {"questions": [question]}, headers=program)
    assert made.status_code == 201, made.text
    shown = client.get(f"{PATH}/{made.get_json()['id']}", headers=program).get_json()
    assert shown == made.get_json()
    assert {name: shown[name] for name in FULL} == FULL
    assert shown["questions"] == [question | {"key": "how-big", "long": False}]
    assert (shown["kind"], shown["is_active"], shown["team"]) == ("one_to_one", True, [])


def test_whatever_a_host_chooses_a_program_can_say() -> None:
    details = {field.name for field in dataclasses.fields(EventTypeDetails)}
    assert set(EventTypeIn.model_fields) == details | {"schedule_id"}


def test_it_is_offered_by_a_schedule_of_its_host(
    client: FlaskClient, program: dict[str, str], host: Membership
) -> None:
    usual, evenings = schedule(of=host), schedule(of=host)
    sent = {"name": "Talk", "duration": 30}
    made = client.post(PATH, json=sent, headers=program).get_json()
    assert made["schedule_id"] == str(usual.id)
    path, chosen = f"{PATH}/{made['id']}", {"schedule_id": str(evenings.id)}
    assert client.patch(path, json=chosen, headers=program).get_json()["schedule_id"] == str(evenings.id)
    second = client.post(PATH, json=sent | chosen | {"slug": "second"}, headers=program).get_json()
    assert second["schedule_id"] == str(evenings.id)
    colleague = member(of=host.organization)
    for strange in (schedule(of=colleague), schedule(of=member())):
        foreign = {"schedule_id": str(strange.id)}
        refused(client.patch(path, json=foreign, headers=program), 422, "invalid", "schedule_id")
        refused(client.post(PATH, json=sent | foreign | {"slug": "x"}, headers=program), 422, "invalid", "schedule_id")
    assert count() == 2


def test_little_has_to_be_said_and_the_address_comes_from_the_name(
    client: FlaskClient, program: dict[str, str], host: Membership
) -> None:
    made = client.post(PATH, json={"name": "First talk", "duration": 30}, headers=program).get_json()
    assert made["url"].endswith(f"/book/{host.organization.slug}/first-talk")
    refused(client.post(PATH, json={"name": "First talk", "duration": 30}, headers=program), 409, "slug_taken", "slug")


def test_the_same_request_with_its_key_makes_one(client: FlaskClient, program: dict[str, str]) -> None:
    sent = {"name": "First talk", "duration": 30}
    headers = program | {"Idempotency-Key": "k"}
    one, two = (client.post(PATH, json=sent, headers=headers) for _ in range(2))
    assert (one.status_code, two.status_code, count()) == (201, 201, 1)
    assert one.get_json() == two.get_json()
    copies = [client.post(f"{PATH}/{one.get_json()['id']}/copy", json={}, headers=headers) for _ in range(2)]
    assert ([copy.status_code for copy in copies], count()) == ([201, 201], 2)


def test_only_what_is_given_changes(client: FlaskClient, program: dict[str, str]) -> None:
    path = f"{PATH}/{client.post(PATH, json=FULL, headers=program).get_json()['id']}"
    before = client.get(path, headers=program).get_json()
    after = client.patch(path, json={"duration": 30, "limit_per_day": None}, headers=program).get_json()
    assert after == before | {"duration": 30, "durations": [30, 60], "limit_per_day": None}
    assert client.patch(path, json={}, headers=program).get_json() == after
    asked = client.patch(path, json={"questions": [{"label": "Why?"}]}, headers=program).get_json()["questions"]
    again = client.patch(path, json={"questions": [{"label": "Why so?", "key": asked[0]["key"]}]}, headers=program)
    assert again.get_json()["questions"][0]["key"] == asked[0]["key"]


@pytest.mark.parametrize(
    ("sent", "fields"),
    [
        ({"duration": 4, "name": " ", "slug": "x"}, ["duration", "name"]),
        ({"duration": "long", "slot_interval": None}, ["duration", "slot_interval"]),
        ({"duration": 0, "slot_interval": -1}, ["duration", "slot_interval"]),
        ({"slug": "No Slug", "location_kind": "link", "location": "x"}, ["location", "slug"]),
        ({"location_kind": "moon"}, ["location_kind"]),
        ({"color": "beige", "all_day_events": "perhaps"}, ["all_day_events", "color"]),
        ({"questions": [{"label": ""}]}, ["questions.0"]),
        ({"questions": [{"label": "a", "kind": "single_choice"}]}, ["questions.0"]),
        ({"series_most": 53, "seats": 2}, ["seats", "series_most"]),
        ({"limit_per_day": 0, "horizon_days": 10**30}, ["horizon_days", "limit_per_day"]),
    ],
)
def test_what_makes_no_sense_is_named(
    client: FlaskClient, program: dict[str, str], host: Membership, sent: dict[str, Any], fields: list[str]
) -> None:
    refused(client.post(PATH, json={"name": "Talk", "duration": 30} | sent, headers=program), 422, "invalid", *fields)
    kind = event_type(of=host)
    refused(client.patch(f"{PATH}/{kind.id}", json=sent, headers=program), 422, "invalid", *fields)


def test_it_is_switched_off_and_on(client: FlaskClient, program: dict[str, str], host: Membership) -> None:
    path = f"{PATH}/{event_type(of=host).id}"
    assert client.post(f"{path}/deactivate", headers=program).get_json()["is_active"] is False
    assert client.post(f"{path}/activate", headers=program).get_json()["is_active"] is True


def test_what_was_never_booked_is_deleted(client: FlaskClient, program: dict[str, str], host: Membership) -> None:
    unused, used = event_type(of=host), event_type(of=host)
    booked(used, at(10))
    assert client.delete(f"{PATH}/{unused.id}", headers=program).get_json()["id"] == str(unused.id)
    refused(client.get(f"{PATH}/{unused.id}", headers=program), 404, "not_found")
    refused(client.delete(f"{PATH}/{used.id}", headers=program), 409, "in_use")


def test_a_copy_has_the_same_terms_an_address_of_its_own_and_is_switched_off(
    app: Flask, client: FlaskClient, program: dict[str, str], host: Membership
) -> None:
    first = client.post(PATH, json=FULL, headers=program).get_json()
    names = []
    for _ in range(2):
        copied = client.post(f"{PATH}/{first['id']}/copy", headers=program).get_json()
        names.append((copied["name"], copied["slug"], copied["is_active"]))
        assert {name: copied[name] for name in FULL.keys() - {"name", "slug"}} == {
            name: FULL[name] for name in FULL.keys() - {"name", "slug"}
        }
    assert names == [("First talk (copy)", "first-talk-copy", False), ("First talk (copy)", "first-talk-copy-2", False)]
    visitor = Visitor(app).sign_in(host)
    edit = visitor.follow(visitor.send(visitor.open("/app/event-types").form(f"{first['id']}/copy")))
    assert "This is the copy" in edit.words
    assert dict(edit.form().fields)["slug"] == "first-talk-copy-3"


def test_a_team_is_chosen_by_who_manages_the_organisation(client: FlaskClient, host: Membership) -> None:
    junior = member(of=host.organization, role=Role.MEMBER)
    team = {"kind": "round_robin", "team": [{"host_id": str(junior.user_id), "priority": 2}]}
    sent = {"name": "Help", "duration": 30} | team
    refused(client.post(PATH, json=sent, headers=bearer(junior, WRITE)), 403, "forbidden")
    made = client.post(PATH, json=sent, headers=bearer(host, WRITE)).get_json()
    assert made["team"] == [{"host_id": str(junior.user_id), "priority": 2}]
    other = {"team": [{"host_id": str(member().user_id)}]}
    refused(client.patch(f"{PATH}/{made['id']}", json=other, headers=bearer(host, WRITE)), 422, "invalid", "team")


@pytest.mark.parametrize(
    ("method", "ending"),
    [
        *(("get", ""), ("patch", ""), ("delete", "")),
        *(("post", "/activate"), ("post", "/deactivate"), ("post", "/copy")),
    ],
)
def test_strangers_reach_nothing_of_it(client: FlaskClient, host: Membership, method: str, ending: str) -> None:
    path = f"{PATH}/{event_type(of=host).id}{ending}"
    ask = getattr(client, method)
    for outsider in (member(), member(of=host.organization, role=Role.MEMBER)):
        refused(ask(path, headers=bearer(outsider, READ, WRITE)), 404, "not_found")
    refused(ask(path), 401, "unauthenticated")
    if method != "get":
        refused(ask(path, headers=bearer(host, READ)), 403, "insufficient_scope")
    refused(client.put(path, headers=bearer(host)), 405, "method_not_allowed")
    assert count() == 1
