"""A host has several schedules, and each event type goes by one of them."""

from __future__ import annotations

from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.factories import event_type, member, schedule
from tests.scheduling.helpers import at, bearer, in_days, refused, slots
from tests.scheduling.pages import Visitor
from webapp.core.db import session, transaction
from webapp.identity.models import Membership, Role, Scope
from webapp.scheduling.models import EventHost, EventKind, Schedule
from webapp.scheduling.queries import schedules
from webapp.scheduling.service.named_schedules import make_default
from webapp.scheduling.service.schedules import create_schedule, set_override
from webapp.scheduling.service.teams import schedule_of

PAGE = "/app/availability"
API = "/api/v1/schedules"
READ, WRITE = Scope.AVAILABILITY_READ, Scope.AVAILABILITY_WRITE


def made(host: Membership, name: str) -> Schedule:
    with transaction():
        return create_schedule(
            organization_id=host.organization_id, host_id=host.user_id, timezone="Europe/Berlin", name=name
        )


def names(host: Membership) -> list[str]:
    session().rollback()
    session().expire_all()
    return [place.name for place in schedules(organization_id=host.organization_id, host_id=host.user_id)]


def test_the_first_schedule_is_the_default_until_another_one_is(app: Flask) -> None:
    host = member()
    first, second = made(host, "Week"), made(host, "Evenings")
    assert (first.is_default, second.is_default) == (True, False)
    with transaction():
        make_default(schedule=second)
    assert names(host) == ["Evenings", "Week"]
    with transaction():
        assert schedule_of(organization_id=host.organization_id, host=host.user).id == second.id


def test_the_database_knows_one_default_of_a_host(app: Flask) -> None:
    host = member()
    made(host, "Week"), made(host, "Evenings")
    with pytest.raises(IntegrityError, match="uq_schedule_default"), transaction():
        session().execute(text("UPDATE schedule SET is_default = true"))


def test_schedules_are_made_named_copied_and_deleted_on_the_page(app: Flask) -> None:
    host = member()
    made(host, "Week")
    visitor = Visitor(app).sign_in(host)
    page = visitor.follow(visitor.send(visitor.open(PAGE).form("/schedules"), {"name": "Evenings"}))
    page = visitor.follow(visitor.send(page.form("/name"), {"name": "Late shift"}))
    page = visitor.follow(visitor.send(page.form("/copy")))
    assert names(host) == ["Week", "Late shift", "Copy of Late shift"]
    page = visitor.follow(visitor.send(page.form("/default")))
    assert names(host)[0] == "Copy of Late shift"
    page = visitor.open(visitor.open(PAGE).link("Late shift"))
    assert names(host)[0] == "Copy of Late shift"
    page = visitor.open(page.link("Week"))
    page = visitor.follow(visitor.send(page.form("/delete")))
    assert "is deleted" in page.words
    assert names(host) == ["Copy of Late shift", "Late shift"]


def test_a_copy_says_the_same_and_goes_its_own_way(client: FlaskClient) -> None:
    host = member()
    headers = bearer(host, READ, WRITE)
    hours = [{"weekday": 2, "start": "10:00", "end": "12:00"}]
    first = client.post(API, json={"name": "Week", "hours": hours, "timezone": "Asia/Tokyo"}, headers=headers)
    day = {"ranges": [{"start": "08:00", "end": "09:30"}]}
    client.put(f"{API}/{first.get_json()['id']}/days/2026-12-24", json=day, headers=headers)
    body = {"name": "Copy", "copy_of": first.get_json()["id"]}
    copy = client.post(API, json=body, headers=headers).get_json()
    client.delete(f"{API}/{first.get_json()['id']}/days/2026-12-24", headers=headers)
    assert (copy["hours"], copy["timezone"], copy["is_default"]) == (hours, "Asia/Tokyo", False)
    again = client.get(f"{API}/{copy['id']}", headers=headers).get_json()
    assert again["days"] == [{"day": "2026-12-24", **day}]


def test_each_event_type_goes_by_the_schedule_chosen_for_it(app: Flask) -> None:
    host = member()
    kind = event_type(of=host, on=schedule(of=host))
    late = made(host, "Evenings")
    late_page = f"{PAGE}/schedules/{late.id}"
    visitor = Visitor(app).sign_in(host)
    week = visitor.open(late_page).form(late_page)
    rows = {name: value for name, value in week.fields if name.endswith("-weekday")}
    times = {name.replace("weekday", "start"): "18:00" for name in rows}
    times |= {name.replace("weekday", "end"): "19:00" for name in rows}
    visitor.send(week, times)
    form = visitor.open(f"/app/event-types/{kind.id}").form(f"{kind.id}")
    visitor.send(form, {"schedule_id": str(late.id)})
    weekday = next(in_days(days) for days in range(2, 9) if in_days(days).weekday() < 5)
    days = (weekday - in_days(0)).days
    assert slots(visitor.client, kind, weekday) == [at(18, days=days).isoformat(), at(18, 30, days=days).isoformat()]
    stays = visitor.follow(visitor.send(visitor.open(late_page).form("/delete")))
    assert "Event types go by this schedule" in stays.words


def test_a_host_of_a_team_chooses_their_own_hours_for_it(app: Flask) -> None:
    owner = member()
    host = member(of=owner.organization, role=Role.MEMBER)
    kind = event_type(of=owner, on=schedule(of=owner), kind=EventKind.ROUND_ROBIN)
    place = schedule(of=host)
    with transaction():
        whose = {"organization_id": kind.organization_id, "event_type_id": kind.id}
        session().add(EventHost(**whose, host_id=host.user_id, schedule_id=place.id))
    other = made(host, "Mornings")
    visitor = Visitor(app).sign_in(host)
    form = visitor.open(f"{PAGE}/schedules/{other.id}").form("/use")
    page = visitor.follow(visitor.send(form, {"event_type": str(kind.id)}))
    assert f"“{kind.name}” goes by “Mornings” now" in page.words
    wrong = visitor.follow(visitor.send(form, {"event_type": str(uuid4())}))
    assert "Please choose an event type that you host" in wrong.words


def test_programs_read_change_and_delete_schedules(client: FlaskClient) -> None:
    host = member()
    headers = bearer(host, READ, WRITE)
    ids = [client.post(API, json={"name": name}, headers=headers).get_json()["id"] for name in ("Week", "Late")]
    night = [{"weekday": 6, "start": "09:00", "end": "10:00"}]
    changed = client.patch(f"{API}/{ids[1]}", json={"hours": night, "is_default": True}, headers=headers).get_json()
    assert (changed["name"], changed["hours"], changed["is_default"]) == ("Late", night, True)
    renamed = client.patch(f"{API}/{ids[1]}", json={"name": "Nights", "timezone": "UTC"}, headers=headers).get_json()
    assert (renamed["name"], renamed["timezone"], renamed["hours"]) == ("Nights", "UTC", night)
    assert [place["id"] for place in client.get(API, headers=headers).get_json()["items"]] == [ids[1], ids[0]]
    refused(client.delete(f"{API}/{ids[1]}", headers=headers), 409, "schedule_is_default")
    assert client.delete(f"{API}/{ids[0]}", headers=headers).status_code == 200
    refused(client.get(f"{API}/{ids[0]}", headers=headers), 404, "not_found")


def test_the_same_key_makes_one_schedule(client: FlaskClient) -> None:
    host = member()
    headers = bearer(host, READ, WRITE) | {"Idempotency-Key": "once"}
    first, second = (client.post(API, json={"name": "Week"}, headers=headers).get_json() for _ in range(2))
    assert first == second
    assert names(host) == ["Week"]


def test_a_program_chooses_the_schedule_of_an_event_type(client: FlaskClient) -> None:
    host = member()
    kind, other = event_type(of=host, on=schedule(of=host)), made(host, "Late")
    headers, choice = bearer(host, WRITE), {"schedule_id": str(other.id)}
    assert client.put(f"/api/v1/event-types/{kind.id}/schedule", json=choice, headers=headers).status_code == 200
    refused(client.delete(f"{API}/{other.id}", headers=headers), 409, "schedule_in_use")
    colleague = member(of=host.organization, role=Role.MEMBER)
    theirs = {"schedule_id": str(schedule(of=colleague).id)}
    answer = client.put(f"/api/v1/event-types/{kind.id}/schedule", json=theirs, headers=headers)
    refused(answer, 422, "invalid", "schedule_id")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({}, "name"),
        ({"name": "x", "timezone": "Mars/Olympus"}, "timezone"),
        ({"name": "x", "hours": [{"weekday": 7, "start": "09:00", "end": "10:00"}]}, "hours.0.weekday"),
        ({"name": "x", "hours": [{"weekday": 0, "start": "9", "end": "10:00"}]}, "hours.0.start"),
        ({"name": "x", "hours": [{"weekday": 0, "start": "10:00", "end": "09:00"}]}, "hours.0"),
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused(client: FlaskClient, body: dict[str, object], field: str) -> None:
    refused(client.post(API, json=body, headers=bearer(member(), WRITE)), 422, "invalid", field)


def test_outsiders_and_colleagues_do_not_see_a_schedule_and_administrators_do(client: FlaskClient) -> None:
    host = member(role=Role.MEMBER)
    place = made(host, "Week")
    for stranger in (member(), member(of=host.organization, role=Role.MEMBER)):
        headers = bearer(stranger, READ, WRITE)
        assert client.get(API, headers=headers).get_json() == {"items": []}
        for call in (
            client.get(f"{API}/{place.id}", headers=headers),
            client.patch(f"{API}/{place.id}", json={"name": "x"}, headers=headers),
            client.delete(f"{API}/{place.id}", headers=headers),
            client.put(f"{API}/{place.id}/days/2026-12-24", json={"ranges": []}, headers=headers),
            client.post(API, json={"name": "x", "copy_of": str(place.id)}, headers=headers),
        ):
            refused(call, 404, "not_found")
    admin = bearer(member(of=host.organization, role=Role.ADMIN), READ)
    assert client.get(f"{API}/{place.id}", headers=admin).get_json()["host_id"] == str(host.user_id)
    refused(client.delete(f"{API}/{place.id}", headers=admin), 403, "insufficient_scope")
    refused(client.get(f"{API}/{place.id}"), 401, "unauthenticated")
    assert client.put(API, headers=admin).status_code == 405


@pytest.mark.parametrize("verb", ["name", "copy", "default", "use", "delete", "days", "days/2026-12-24/remove"])
def test_pages_of_another_hosts_schedule_are_not_there(app: Flask, verb: str) -> None:
    place = made(member(), "Week")
    visitor = Visitor(app).sign_in(member())
    form = visitor.open(PAGE).form("/days")
    form.action = f"{PAGE}/schedules/{place.id}/{verb}"
    visitor.send(form, status=404)
    visitor.open(f"{PAGE}/schedules/{place.id}", status=404)
    assert visitor.client.get(form.action).status_code == 405


def test_a_date_in_an_address_is_one(client: FlaskClient) -> None:
    host = member()
    place = made(host, "Week")
    with transaction():
        set_override(schedule=place, day=in_days(3), ranges=[])
    headers = bearer(host, WRITE)
    refused(client.put(f"{API}/{place.id}/days/soon", json={"ranges": []}, headers=headers), 404, "not_found")
    overlapping = {"ranges": [{"start": "09:00", "end": "11:00"}, {"start": "10:00", "end": "12:00"}]}
    answer = client.put(f"{API}/{place.id}/days/{in_days(3)}", json=overlapping, headers=headers)
    refused(answer, 422, "invalid", "ranges.1")
    assert client.delete(f"{API}/{place.id}/days/{in_days(3)}", headers=headers).get_json()["days"] == []
