"""The description at /api/v1/openapi.json is complete, consistent and true."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import event_type, member
from tests.scheduling.helpers import address, at, bearer, body, in_days
from webapp.web.openapi import document

Operation = dict[str, Any]


@pytest.fixture
def description(app: Flask) -> dict[str, Any]:
    with app.test_request_context():
        return document()


def _operations(description: dict[str, Any]) -> Iterator[tuple[str, str, Operation]]:
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(reference := part.get("$ref"), str):
            yield reference
        for inner in part.values():
            yield from _references(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _references(inner)


def test_it_is_served_to_anybody(client: FlaskClient, description: dict[str, Any]) -> None:
    answer = client.get("/api/v1/openapi.json")
    assert answer.status_code == 200
    assert answer.content_type == "application/json"
    assert answer.get_json() == description
    assert description["openapi"].startswith("3.1")
    assert description["info"]["title"] == "Almanac"


def test_every_endpoint_of_scheduling_is_in_it(app: Flask, description: dict[str, Any]) -> None:
    routes = {
        (rule.rule.replace("<uuid:", "<").replace("<", "{").replace(">", "}"), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/") and rule.endpoint.startswith("scheduling_")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    described = {(path, method) for path, method, _ in _operations(description)}
    assert routes <= described


def test_every_name_it_uses_is_explained_in_it(description: dict[str, Any]) -> None:
    known = {f"#/components/schemas/{name}" for name in description["components"]["schemas"]}
    assert set(_references(description)) <= known


def test_every_operation_says_what_it_does_and_how_it_fails(description: dict[str, Any]) -> None:
    names = set()
    for path, method, operation in _operations(description):
        assert operation["summary"], path
        names.add(operation["operationId"])
        answers = operation["responses"]
        assert any(status < "300" for status in answers), path
        for status, answer in answers.items():
            made = "text/csv" if path.endswith(".csv") else "application/json"
            kind = "application/problem+json" if status >= "400" else made
            assert set(answer.get("content", {})) == ({kind} if status != "204" else set()), (path, method, status)
        assert ("401" in answers) == bool(operation.get("security")), path
        assert ("415" in answers) == ("requestBody" in operation), path
    assert len(names) == len(list(_operations(description)))


def _unbounded(part: Any) -> Iterator[dict[str, Any]]:
    """Every number, text and list that may be of any size."""
    bounds = {
        "integer": {"minimum", "maximum"},
        "string": {"maxLength", "format", "enum", "pattern"},
        "array": {"maxItems"},
    }
    if isinstance(part, dict):
        said = bounds.get(kind, set()) & part.keys() if isinstance(kind := part.get("type"), str) else set()
        if kind in bounds and len(said) < (2 if kind == "integer" else 1):
            yield part
    for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from _unbounded(inner)


def test_whatever_is_sent_has_a_greatest_size(description: dict[str, Any]) -> None:
    schemas = description["components"]["schemas"]
    sent: dict[str, Any] = {}
    waiting = [operation["requestBody"] for _, _, operation in _operations(description) if "requestBody" in operation]
    while waiting:
        found = {reference.rpartition("/")[2] for reference in _references(waiting.pop())} - sent.keys()
        sent |= {name: schemas[name] for name in found}
        waiting += [schemas[name] for name in found]
    assert len(sent) > 20
    assert list(_unbounded(sent)) == []


def test_programs_are_told_how_to_show_their_token(description: dict[str, Any]) -> None:
    scheme = description["components"]["securitySchemes"]["token"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    assert description["paths"]["/api/v1/bookings"]["get"]["security"] == [{"token": []}]
    assert "security" not in description["paths"]["/api/v1/public/{org}"]["get"]


def test_the_idempotency_key_is_described_wherever_something_is_created(description: dict[str, Any]) -> None:
    creating = [
        (path, operation)
        for path, method, operation in _operations(description)
        if method == "post" and "201" in operation["responses"]
    ]
    assert len(creating) > 5
    for path, operation in creating:
        headers = [parameter for parameter in operation.get("parameters", []) if parameter["in"] == "header"]
        assert [(header["name"], header["required"]) for header in headers] == [("Idempotency-Key", False)], path


def _fits(value: Any, schema: dict[str, Any], description: dict[str, Any]) -> None:
    """Check what answers are made of: every field named and required, no other, of its type."""
    if reference := schema.get("$ref"):
        schema = description["components"]["schemas"][reference.rpartition("/")[2]]
    if schema.get("type") == "object" and "properties" in schema:
        assert set(schema.get("required", [])) <= set(value) <= set(schema["properties"])
        for name, inner in value.items():
            _fits(inner, schema["properties"][name], description)
    elif schema.get("type") == "array":
        for inner in value:
            _fits(inner, schema["items"], description)
    elif "type" in schema:
        types = {"string": str, "integer": int, "boolean": bool, "object": dict, "null": type(None)}
        assert isinstance(value, types[schema["type"]])


def test_answers_are_as_described(client: FlaskClient, description: dict[str, Any]) -> None:
    owner = member()
    kind = event_type(of=owner, questions=[{"key": "topic", "label": "Topic?", "required": False, "long": False}])
    public = "/api/v1/public/{org}/{event_type}"
    host = bearer(owner)
    days = f"?start={in_days(2)}&end={in_days(2)}&timezone=Europe/Berlin"
    calls = [
        ("/api/v1/public/{org}", "get", client.get(f"/api/v1/public/{kind.organization.slug}")),
        (f"{public}/slots", "get", client.get(f"{address(kind)}/slots{days}")),
        (f"{public}/slots", "get", client.get(f"{address(kind)}/slots")),
        (f"{public}/bookings", "post", client.post(f"{address(kind)}/bookings", json=body(at(10)))),
        (f"{public}/bookings", "post", client.post(f"{address(kind)}/bookings", json=body(at(10)))),
        ("/api/v1/bookings", "get", client.get("/api/v1/bookings", headers=host)),
        ("/api/v1/bookings", "get", client.get("/api/v1/bookings")),
        ("/api/v1/event-types", "get", client.get("/api/v1/event-types", headers=host)),
    ]
    assert [answer.status_code for _, _, answer in calls] == [200, 200, 422, 201, 409, 200, 401, 200]
    for path, method, answer in calls:
        described = description["paths"][path][method]["responses"][str(answer.status_code)]["content"]
        _fits(answer.get_json(), described[answer.content_type]["schema"], description)
