"""Whatever a program sends, it is answered in its terms and never by a 500."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from tests.factories import event_type
from tests.scheduling.helpers import address, at, bearer, body, booked, refused
from webapp.scheduling.models import EventType
from webapp.scheduling.service.booking import manage_token

fuzzed = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])

_plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
anything = st.recursive(
    _plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)
odd_texts = st.text() | st.sampled_from(
    ["", " ", "\0", "\ud800", "a" * 10_000, "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "'; --", "../..",
     "2026-11-24T10:00:00+99:99", "2026-11-24T24:00:00Z", "2026-11-24T10:00:60Z", "-", "%s", "{{7*7}}", "\u202e"]
)  # fmt: skip


@pytest.fixture
def kind(app: Flask) -> EventType:
    return event_type(questions=[{"key": "topic", "label": "What about?", "required": False, "long": False}])


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{", b"{'start': 1}", b"\xff\xfe", b'{"start": "\xc3\x28"}', b'{"start": "\\ud800"}', b"[" * 100_000,
        b"{}}",
        b"nul",
    ],
)  # fmt: skip
def test_what_is_no_json_is_malformed(client: FlaskClient, kind: EventType, raw: bytes) -> None:
    answer = client.post(f"{address(kind)}/bookings", data=raw, content_type="application/json")
    refused(answer, 400, "malformed_json")


@pytest.mark.parametrize("value", [[], "text", 1, None, True, float("nan")])
def test_json_that_is_no_object_is_refused(client: FlaskClient, kind: EventType, value: object) -> None:
    refused(
        client.post(f"{address(kind)}/bookings", data=json.dumps(value), content_type="application/json"),
        422,
        "invalid",
        "body",
    )


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_another_content_type_is_refused(client: FlaskClient, kind: EventType, content_type: str) -> None:
    sent = json.dumps(body(at(10)))
    answer = client.post(f"{address(kind)}/bookings", data=sent, content_type=content_type)
    refused(answer, 415, "unsupported_media_type")


def test_too_large_a_body_is_refused(client: FlaskClient, kind: EventType) -> None:
    answer = client.post(f"{address(kind)}/bookings", json=body(at(10), answers={"topic": "x" * 300_000}))
    refused(answer, 413, "too_large")


def test_of_a_key_given_twice_the_last_counts(client: FlaskClient, kind: EventType) -> None:
    sent = '{"start": "nonsense", ' + json.dumps(body(at(10)))[1:]
    assert client.post(f"{address(kind)}/bookings", data=sent, content_type="application/json").status_code == 201


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"start": "2026-11-24T10:00:00"}, ["start"]),
        ({"start": "2026-11-24"}, ["start"]),
        ({"start": 1795514400}, ["start"]),
        ({"start": "1795514400"}, ["start"]),
        ({"start": None}, ["start"]),
        ({"start": "9999-12-31T23:59:59-23:59"}, ["start"]),
        ({"timezone": ""}, ["timezone"]),
        ({"timezone": "Europe"}, ["timezone"]),
        ({"timezone": 1}, ["timezone"]),
        ({"invitee": []}, ["invitee"]),
        ({"invitee": {}}, ["invitee.name", "invitee.email"]),
        ({"invitee": {"name": " ", "email": "a@b"}}, ["invitee.name", "invitee.email"]),
        ({"invitee": {"name": "A\nBcc: x", "email": "a@example.com\nBcc: x"}}, ["invitee.name", "invitee.email"]),
        ({"invitee": {"name": "x" * 121, "email": "x" * 255 + "@example.com"}}, ["invitee.name", "invitee.email"]),
        ({"invitee": {"name": "A", "email": "a@example.com", "phone": "12"}}, ["invitee.phone"]),
        ({"invitee": {"name": "A", "email": "a@example.com", "phone": 4930123456}}, ["invitee.phone"]),
        ({"answers": []}, ["answers"]),
        ({"answers": {"topic": 5}}, ["answers.topic"]),
        ({"answers": {str(number): "" for number in range(51)}}, ["answers"]),
    ],
)  # fmt: skip
def test_each_wrong_field_is_named(
    client: FlaskClient, kind: EventType, changes: dict[str, Any], fields: list[str]
) -> None:
    refused(client.post(f"{address(kind)}/bookings", json=body(at(10)) | changes), 422, "invalid", *fields)


def test_what_may_be_left_out_may_be_null(client: FlaskClient, kind: EventType) -> None:
    for hour, phone, answers in ((10, None, None), (11, "", {}), (12, " ", {"topic": ""})):
        invitee = {"name": "Ada", "email": "ada@example.test", "phone": phone}
        sent = body(at(hour), invitee=invitee, answers=answers)
        assert client.post(f"{address(kind)}/bookings", json=sent).status_code == 201


def test_a_stranger_s_program_may_send_more_than_it_needs_to(client: FlaskClient, kind: EventType) -> None:
    invitee = {"name": "Ada", "email": "ada@example.test", "company": "Engines Ltd"}
    sent = body(at(10), invitee=invitee, campaign="spring")
    assert client.post(f"{address(kind)}/bookings", json=sent).status_code == 201


def test_a_host_s_program_is_told_of_each_field_that_it_misspelt(client: FlaskClient, kind: EventType) -> None:
    invitee = {"name": "Ada", "email": "ada@example.test", "phon": "+49 30 1234567"}
    sent = body(at(10), invitee=invitee, event_type_id=str(kind.id), anwsers={"topic": "?"})
    refused(client.post("/api/v1/bookings", json=sent, headers=bearer()), 422, "invalid", "invitee.phon", "anwsers")
    path = f"/api/v1/bookings/{booked(kind).id}/cancel"
    refused(client.post(path, json={"reasn": "Ill"}, headers=bearer()), 422, "invalid", "reasn")


def test_unknown_addresses_under_the_api_are_problems_too(client: FlaskClient) -> None:
    refused(client.get("/api/v1/nothing"), 404, "not_found")
    refused(client.get("/api/v1/public/a/b/c/d"), 404, "not_found")
    refused(client.post("/api/v1/public/a/b/bookings", json=body(at(10))), 404, "not_found")
    refused(client.get("/api/v1/public/a/b/bookings"), 405, "method_not_allowed")
    refused(client.put("/api/v1/public/a/b/bookings"), 405, "method_not_allowed")


def _answered_in_its_terms(answer: TestResponse) -> None:
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert answer.content_type == "application/problem+json"
        assert answer.get_json()["code"]


@fuzzed
@given(sent=anything)
def test_any_json_at_all(client: FlaskClient, kind: EventType, sent: object) -> None:
    raw = json.dumps(sent)
    token = "x"
    for path in (f"{address(kind)}/bookings", f"/api/v1/public/bookings/{token}/reschedule"):
        _answered_in_its_terms(client.post(path, data=raw, content_type="application/json"))


@fuzzed
@given(
    field=st.sampled_from(["start", "timezone", "name", "email", "phone", "answers", "topic"]),
    value=odd_texts | anything,
)
def test_any_value_in_any_field(client: FlaskClient, kind: EventType, field: str, value: object) -> None:
    sent = body(at(10))
    place = {"name": sent["invitee"], "email": sent["invitee"], "phone": sent["invitee"]}.get(field, sent)
    if field == "topic":
        place = sent.setdefault("answers", {})
    place[field] = value
    raw = json.dumps(sent)
    _answered_in_its_terms(client.post(f"{address(kind)}/bookings", data=raw, content_type="application/json"))


@fuzzed
@given(
    raw=st.binary(max_size=200), content_type=st.sampled_from(["application/json", "text/plain", "multipart/form-data"])
)
def test_any_bytes(client: FlaskClient, kind: EventType, raw: bytes, content_type: str) -> None:
    _answered_in_its_terms(client.post(f"{address(kind)}/bookings", data=raw, content_type=content_type))


@fuzzed
@given(start=odd_texts, end=odd_texts, timezone=odd_texts)
def test_any_question_for_slots(client: FlaskClient, kind: EventType, start: str, end: str, timezone: str) -> None:
    query = {
        name: text.encode("utf-8", "replace") for name, text in (("start", start), ("end", end), ("timezone", timezone))
    }
    _answered_in_its_terms(client.get(f"{address(kind)}/slots", query_string=query))


@fuzzed
@given(segments=st.lists(odd_texts.filter(bool), min_size=1, max_size=4))
def test_any_path(client: FlaskClient, segments: list[str]) -> None:
    path = "/".join(segment.encode("utf-8", "replace").decode() for segment in segments)
    _answered_in_its_terms(client.get(f"/api/v1/public/{path}", follow_redirects=True))


@fuzzed
@given(start=odd_texts, reason=odd_texts | anything)
def test_anything_at_a_manage_link(client: FlaskClient, kind: EventType, start: str, reason: object) -> None:
    path = f"/api/v1/public/bookings/{manage_token(booked(kind))}"
    for verb, sent in (("reschedule", {"start": start}), ("cancel", {"reason": reason})):
        raw = json.dumps(sent)
        _answered_in_its_terms(client.post(f"{path}/{verb}", data=raw, content_type="application/json"))
    client.post(f"{path}/cancel")
