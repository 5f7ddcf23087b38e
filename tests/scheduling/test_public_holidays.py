"""Public holidays close a schedule, each unless it is switched off or the date has hours of its own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import event_type, member, schedule
from tests.scheduling.helpers import bearer, refused, slots
from tests.scheduling.pages import Visitor
from webapp.core.db import transaction
from webapp.identity.models import Membership, Role, Scope
from webapp.scheduling.models import EventType, Schedule
from webapp.scheduling.public_holidays import countries, holidays_between, subdivision_names
from webapp.scheduling.service.holidays import choose_holidays
from webapp.scheduling.service.schedules import save_hours, set_override

PAGE = "/app/availability/days-off/holidays"
API = "/api/v1/schedules"
READ, WRITE = Scope.AVAILABILITY_READ, Scope.AVAILABILITY_WRITE
UNITY_DAY, ALL_SAINTS, ORDINARY = date(2026, 10, 3), date(2026, 11, 1), date(2026, 10, 5)


@pytest.fixture(autouse=True)
def in_september() -> Iterator[None]:
    with time_machine.travel("2026-09-20T08:00:00Z", tick=True):
        yield


@pytest.fixture
def kind(host: Membership) -> EventType:
    return event_type(of=host, on=schedule(of=host), duration=60, slot_interval=60)


def closed(place: Schedule, country: str | None, subdivision: str | None = None, *worked: str) -> None:
    with transaction():
        choose_holidays(schedule=place, country=country, subdivision=subdivision, worked=worked)


def count(client: FlaskClient, kind: EventType, *days: date) -> list[int]:
    return [len(slots(client, kind, day)) for day in days]


def test_a_holiday_is_closed_in_its_country_and_part_of_it(client: FlaskClient, kind: EventType) -> None:
    closed(kind.schedule, "DE")
    assert count(client, kind, UNITY_DAY, ALL_SAINTS, ORDINARY) == [0, 8, 8]
    closed(kind.schedule, "DE", "BY")
    assert count(client, kind, UNITY_DAY, ALL_SAINTS, ORDINARY) == [0, 0, 8]
    closed(kind.schedule, "FR")
    assert count(client, kind, UNITY_DAY, ALL_SAINTS, ORDINARY) == [8, 0, 8]
    closed(kind.schedule, None)
    assert count(client, kind, UNITY_DAY, ALL_SAINTS, ORDINARY) == [8, 8, 8]


def test_each_holiday_can_be_switched_off(client: FlaskClient, kind: EventType) -> None:
    closed(kind.schedule, "DE", "BY", "German Unity Day")
    assert count(client, kind, UNITY_DAY, ALL_SAINTS) == [8, 0]


def test_a_date_with_hours_of_its_own_is_open_on_a_holiday(client: FlaskClient, kind: EventType) -> None:
    closed(kind.schedule, "DE")
    with transaction():
        set_override(schedule=kind.schedule, day=UNITY_DAY, ranges=[(600, 720)])
    assert count(client, kind, UNITY_DAY) == [2]


def test_the_night_before_a_holiday_lasts_as_long_as_it_does(client: FlaskClient, kind: EventType) -> None:
    closed(kind.schedule, "DE")
    with transaction():
        save_hours(schedule=kind.schedule, timezone="Europe/Berlin", hours=[(day, 1320, 1560) for day in range(7)])
    assert count(client, kind, UNITY_DAY, UNITY_DAY + timedelta(days=1)) == [2, 2]


def test_a_host_chooses_a_country_and_switches_a_holiday_off(app: Flask, kind: EventType, host: Membership) -> None:
    visitor = Visitor(app).sign_in(host)
    address = f"{PAGE}/{kind.schedule_id}"
    page = visitor.follow(visitor.send(visitor.open(address).form(), {"country": "DE"}))
    assert "German Unity Day" in page.words
    page = visitor.follow(visitor.send(page.form(), {"subdivision": "BY"}))
    assert count(visitor.client, kind, UNITY_DAY, ALL_SAINTS) == [0, 0]
    form = page.form()
    form.fields = [pair for pair in form.fields if pair != ("closed", "German Unity Day")]
    visitor.send(form)
    assert count(visitor.client, kind, UNITY_DAY, ALL_SAINTS) == [8, 0]
    assert "Bayern" in visitor.open("/app/availability/days-off").words
    page = visitor.follow(visitor.send(visitor.open(address).form(), {"country": "FR"}))  # begins anew
    assert count(visitor.client, kind, UNITY_DAY, ALL_SAINTS) == [8, 0]
    assert "valid choice" in visitor.send(page.form(), {"country": "XX"}, status=422).words


def test_holidays_are_shown_in_the_language_of_the_page_and_kept_in_english(
    app: Flask, kind: EventType, host: Membership
) -> None:
    german = {"Accept-Language": "de-DE"}
    visitor, address = Visitor(app).sign_in(host), f"{PAGE}/{kind.schedule_id}"
    closed(kind.schedule, "DE", "BY")
    page = visitor.open(address, headers=german)
    assert "Tag der Deutschen Einheit" in page.words
    assert "German Unity Day" not in page.words
    form = page.form()
    form.fields = [pair for pair in form.fields if pair != ("closed", "German Unity Day")]
    visitor.send(form)
    assert count(visitor.client, kind, UNITY_DAY, ALL_SAINTS) == [8, 0]
    team = visitor.open(f"/app/team/availability?week={ALL_SAINTS}", headers=german)
    assert "Allerheiligen" in team.words
    assert "All Saints" in visitor.open(f"/app/team/availability?week={ALL_SAINTS}").words


def test_a_holiday_is_named_in_english_where_its_own_language_is_not_known() -> None:
    [day] = holidays_between("JP", None, first=date(2026, 5, 5), last=date(2026, 5, 5))
    assert (day.label("de"), day.label("en"), day.label("ja")) == ("Children's Day", "Children's Day", "こどもの日")


def test_a_program_chooses_holidays_and_reads_them(client: FlaskClient, kind: EventType, host: Membership) -> None:
    headers = bearer(host, READ, WRITE)
    choice = {"country": "DE", "subdivision": "BY", "worked": ["German Unity Day"]}
    chosen = client.put(f"{API}/{kind.schedule_id}/holidays", json=choice, headers=headers).get_json()
    assert (chosen["holiday_country"], chosen["holiday_subdivision"]) == ("DE", "BY")
    assert count(client, kind, UNITY_DAY, ALL_SAINTS) == [8, 0]
    query = "?country=DE&subdivision=BY&year=2026"
    found = client.get(f"/api/v1/holidays{query}", headers=headers).get_json()["items"]
    assert {"day": "2026-11-01", "name": "All Saints' Day"} in found
    known = client.get("/api/v1/holidays/countries", headers=headers).get_json()["items"]
    assert "BY" in next(each for each in known if each["code"] == "DE")["subdivisions"]
    copy = client.post(API, json={"name": "Copy", "copy_of": str(kind.schedule_id)}, headers=headers).get_json()
    assert copy["worked_holidays"] == ["German Unity Day"]


@pytest.mark.parametrize(
    ("choice", "field"),
    [
        ({"country": "XX"}, "country"),
        ({"country": "de"}, "country"),
        ({"country": "DE", "subdivision": "AL"}, "subdivision"),
        ({"country": None, "subdivision": "BY"}, "subdivision"),
        ({"country": "DE", "worked": ["x" * 201]}, "worked"),
        ({"country": "DE", "subdivision": "BY", "worked": ["\0"]}, "worked"),
        ({}, "country"),
    ],
)
def test_a_place_that_is_none_is_refused(
    client: FlaskClient, kind: EventType, host: Membership, choice: dict[str, object], field: str
) -> None:
    headers = bearer(host, READ, WRITE)
    answer = client.put(f"{API}/{kind.schedule_id}/holidays", json=choice, headers=headers)
    refused(answer, 422, "invalid", field)
    unknown = client.get("/api/v1/holidays?country=XX&year=2026", headers=headers)
    refused(unknown, 422, "invalid", "country")


def test_another_hosts_holidays_are_not_there(app: Flask, client: FlaskClient, kind: EventType) -> None:
    stranger = member(role=Role.MEMBER)
    headers = bearer(stranger, WRITE)
    answer = client.put(f"{API}/{kind.schedule_id}/holidays", json={"country": "DE"}, headers=headers)
    refused(answer, 404, "not_found")
    visitor = Visitor(app).sign_in(stranger)
    visitor.open(f"{PAGE}/{kind.schedule_id}", status=404)


def test_every_country_has_holidays_and_its_parts_have_names() -> None:
    assert len(countries()) > 200
    for country, parts in countries().items():
        assert set(subdivision_names(country)) == set(parts)
        assert all(subdivision_names(country).values())
