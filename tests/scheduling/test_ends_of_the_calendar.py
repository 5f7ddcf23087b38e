"""Dates at the ends of what dates can say: each is refused where it is named, whatever zone it is in."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import event_type
from tests.scheduling.helpers import address, at, bearer, body, booked, in_days, refused
from tests.scheduling.pages import Form, Visitor
from tests.scheduling.test_block_time import block_daily
from webapp.identity.models import Membership, Scope
from webapp.scheduling.models import EventType
from webapp.scheduling.service.booking import manage_token

ENDS = ["0001-01-01", "1970-12-31", "2201-01-01", "9999-12-31"]
MOMENTS = ["0001-01-01T00:00:00+14:00", "0001-01-02T00:00:00Z", "2201-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00"]
ZONES = ["America/New_York", "Europe/Berlin", "Pacific/Kiritimati"]
GUEST = {"name": "Ada Lovelace", "email": "ada@example.com"}


@pytest.fixture
def kind(host: Membership) -> EventType:
    return event_type(of=host, waitlist_enabled=True, series_most=5)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("day", ENDS)
def test_a_program_that_names_such_a_day_hears_which_field_it_was(
    client: FlaskClient, host: Membership, kind: EventType, day: str, zone: str
) -> None:
    headers, sent = bearer(host, *Scope), {"timezone": zone, "invitee": GUEST, "day": day}
    refused(client.post(f"{address(kind)}/waitlist", json=sent), 422, "invalid", "day")
    away: dict[str, Any] = {"first_day": day, "last_day": day, "timezone": zone}
    for path in ("/api/v1/out-of-office", "/api/v1/blocked-times"):
        refused(client.post(path, json=away, headers=headers), 422, "invalid", "first_day", "last_day")
    block = {"timezone": zone, "first_day": day, "start": "09:00", "end": "10:00", "rule": "FREQ=DAILY"}
    refused(client.post("/api/v1/recurring-blocks", json=block, headers=headers), 422, "invalid", "first_day")
    except_days = block | {"first_day": str(in_days(3)), "except_days": [day]}
    answer = client.post("/api/v1/recurring-blocks", json=except_days, headers=headers)
    refused(answer, 422, "invalid", "except_days.0")
    path = f"/api/v1/schedules/{kind.schedule_id}/days/{day}"
    refused(client.put(path, json={"ranges": []}, headers=headers), 404, "not_found")
    refused(client.delete(path, headers=headers), 404, "not_found")


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_program_that_names_such_a_time_hears_which_field_it_was(
    client: FlaskClient, host: Membership, kind: EventType, moment: str
) -> None:
    headers, token = bearer(host, *Scope), manage_token(booked(kind, at(9)))
    sent = body(at(10)) | {"start": moment}
    refused(client.post(f"{address(kind)}/bookings", json=sent), 422, "invalid", "start")
    refused(client.post(f"{address(kind)}/waitlist", json=sent), 422, "invalid", "start")
    refused(client.post(f"{address(kind)}/holds", json={"start": moment}), 422, "invalid", "start")
    again = client.post(f"/api/v1/public/bookings/{token}/reschedule", json={"start": moment})
    refused(again, 422, "invalid", "start")
    once = {"start": moment, "end": moment, "timezone": "UTC"}
    refused(client.post("/api/v1/blocked-times", json=once, headers=headers), 422, "invalid", "end", "start")


@pytest.mark.parametrize("day", ENDS)
def test_whoever_only_looks_there_finds_nothing(client: FlaskClient, kind: EventType, day: str) -> None:
    for zone in ZONES:
        query = {"start": day, "end": day, "timezone": zone}
        assert client.get(f"{address(kind)}/slots", query_string=query).get_json()["slots"] == []


@pytest.mark.parametrize("day", ENDS)
def test_a_form_with_such_a_day_says_so_beside_it(app: Flask, host: Membership, day: str) -> None:
    visitor = Visitor(app).sign_in(host)
    pages = {
        "/app/availability": ("days", {"day": day}),
        "/app/availability/days-off": ("days-off", {"first_day": day, "last_day": day}),
        "/app/availability/blocks": ("blocks", {"first_day": day, "last_day": day}),
        "/app/availability/blocks#": ("recurring", {"first_day": day, "weekdays": "MO"}),
    }
    for path, (ending, typed) in pages.items():
        page = visitor.send(visitor.open(path.rstrip("#")).form(ending), typed, status=422)
        assert "Please choose a year from 1971 to 2199." in page.words


@pytest.mark.parametrize("day", ENDS)
def test_a_button_with_such_a_day_does_nothing(app: Flask, host: Membership, day: str) -> None:
    block = block_daily(host, 600, 660)
    visitor = Visitor(app).sign_in(host)
    token = visitor.open("/app/availability").form("days").fields[0]
    for path in (f"/app/availability/days/{day}/remove", f"/app/availability/blocks/recurring/{block.id}/days"):
        form = Form(path, "post", [token, ("day", day), ("left_out", "yes")])
        assert "That is not a date." in visitor.follow(visitor.send(form)).words
    assert block.except_days == []


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("day", ENDS)
def test_nobody_gets_in_line_for_such_a_day(app: Flask, kind: EventType, day: str, zone: str) -> None:
    visitor = Visitor(app)
    page = f"/book/{kind.organization.slug}/{kind.slug}/waitlist"
    form = visitor.open(f"{page}?day={in_days(2)}&timezone=Europe/Berlin").form()
    for typed in ({"day": day, "timezone": zone}, {"day": "", "start": f"{day}T10:00Z", "timezone": zone}):
        answer = visitor.client.post(form.action, data=dict(form.fields) | GUEST | typed)
        assert answer.status_code in {303, 404, 422}
