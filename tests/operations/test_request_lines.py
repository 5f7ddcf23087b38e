"""Each request has an id, is logged once and is measured, by its route and never by its address."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis

from webapp.core import measures

TOKEN = "s3cr3tToken99"


def request_lines(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line for line in lines if line["event"] == "request"]


def test_one_line_per_request_names_method_route_status_and_time(client: FlaskClient, lines: Any) -> None:
    answer = client.get("/no/such/page")
    [line] = request_lines(lines())
    assert (line["method"], line["route"], line["status"]) == ("GET", "unmatched", 404)
    assert line["ms"] > 0
    assert line["request_id"] == answer.headers["X-Request-ID"]


def test_a_token_in_the_address_or_query_is_in_no_line(client: FlaskClient, lines: Any) -> None:
    client.get(f"/manage/{TOKEN}?token={TOKEN}")
    client.post(f"/manage/{TOKEN}/cancel")
    client.get(f"/somewhere/else/{TOKEN}")
    written = lines()
    assert len(request_lines(written)) == 3
    assert TOKEN not in json.dumps(written)


def test_a_sane_request_id_is_kept(client: FlaskClient) -> None:
    answer = client.get("/healthz", headers={"X-Request-ID": "edge-1234.abc_DEF"})
    assert answer.headers["X-Request-ID"] == "edge-1234.abc_DEF"


@pytest.mark.parametrize(
    "given", ["", "short", "x" * 65, "has space in it", "näive-näive", "<script>alert(1)</script>"]
)
def test_any_other_request_id_is_replaced(client: FlaskClient, given: str) -> None:
    first = client.get("/healthz", headers={"X-Request-ID": given}).headers["X-Request-ID"]
    second = client.get("/healthz", headers={"X-Request-ID": given}).headers["X-Request-ID"]
    assert len(first) == 32
    assert first.isalnum()
    assert first not in {given, second}


def test_probes_and_static_files_are_quiet_unless_they_fail(client: FlaskClient, lines: Any) -> None:
    client.get("/healthz")
    client.get("/static/img/icon.svg").close()
    assert request_lines(lines()) == []
    assert client.get("/readyz").status_code == 503
    [line] = request_lines(lines())
    assert (line["route"], line["level"]) == ("/readyz", "warning")


def test_requests_are_counted_and_timed_by_route(client: FlaskClient, redis: Redis) -> None:
    measures.flush()
    redis.delete(measures.KEY)
    client.get("/healthz")
    client.get("/no/such/page/1")
    client.get("/no/such/page/2")
    client.open("/no/such/page/3", method="BREW")
    measures.flush()
    found = {series.values: value for series, value in measures.read_all() if series.name == "http_requests"}
    assert found == {
        ("GET", "/healthz", "200"): 1.0,
        ("GET", "unmatched", "404"): 2.0,
        ("other", "unmatched", "404"): 1.0,
    }
    timed = {s.values for s, _ in measures.read_all() if s.name == "http_request_seconds" and s.part == "count"}
    assert ("GET", "/healthz") in timed


def test_an_error_of_ours_is_logged_with_its_trace_and_the_route(app: Flask, lines: Any) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.view_functions["operations.healthz"], kept = _fail, app.view_functions["operations.healthz"]
    try:
        answer = app.test_client().get(f"/healthz?token={TOKEN}")
    finally:
        app.view_functions["operations.healthz"] = kept
        app.config["PROPAGATE_EXCEPTIONS"] = None
    assert answer.status_code == 500
    failed, line = lines()
    assert (failed["event"], failed["route"], failed["level"]) == ("request failed", "/healthz", "error")
    assert "RuntimeError: broken" in failed["exception"]
    assert failed["request_id"] == line["request_id"] == answer.headers["X-Request-ID"]
    assert (line["event"], line["status"]) == ("request", 500)
    assert TOKEN not in json.dumps([failed, line])


def _fail() -> str:
    raise RuntimeError("broken")
