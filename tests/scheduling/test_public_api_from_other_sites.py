from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from tests.factories import event_type
from tests.scheduling.helpers import address, at, bearer, body, in_days, refused
from webapp.core.settings import settings

ORIGIN = {"Origin": "https://salon.example"}


def test_a_widget_on_any_site_reads_slots_and_books(client: FlaskClient) -> None:
    kind = event_type()
    query = {"start": in_days(2), "end": in_days(2), "timezone": "Europe/Berlin"}
    answers = [
        client.get(f"{address(kind)}/slots", query_string=query, headers=ORIGIN),
        client.post(f"{address(kind)}/bookings", json=body(at(10)), headers=ORIGIN),
        client.post(f"{address(kind)}/bookings", json=body(at(10)), headers=ORIGIN),
        client.get("/api/v1/public/nobody", headers=ORIGIN),
    ]
    assert [answer.status_code for answer in answers] == [200, 201, 409, 404]
    for answer in answers:
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert answer.headers["Cache-Control"] == "no-store"


def test_its_browser_may_ask_first(client: FlaskClient) -> None:
    asked = ORIGIN | {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    answer = client.options(f"{address(event_type())}/bookings", headers=asked)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert {"Content-Type", "Idempotency-Key"} <= set(answer.headers["Access-Control-Allow-Headers"].split(", "))


def test_what_tokens_open_is_not_for_other_sites(client: FlaskClient) -> None:
    answer = client.get("/api/v1/bookings", headers=ORIGIN | bearer())
    assert answer.status_code == 200
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("verb", ["slots", "bookings"])
def test_who_asks_too_often_is_told_when_to_come_back(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    monkeypatch.setenv("RATE_LIMIT_PUBLIC", "2 per minute")
    settings.cache_clear()
    try:
        path = f"{address(event_type())}/{verb}"
        ask = client.get if verb == "slots" else client.post
        first, second, third = (ask(path, headers=ORIGIN) for _ in range(3))
        assert (first.status_code, second.status_code) == (422, 422)
        refused(third, 429, "rate_limited")
        assert 0 < int(third.headers["Retry-After"]) <= 60
        assert third.headers["X-RateLimit-Limit"] == "2"
        assert third.headers["Access-Control-Allow-Origin"] == "*"
        assert client.options(path, headers=ORIGIN).status_code == 200
    finally:
        settings.cache_clear()
