"""What no browser sends is answered plainly, and never with an error of our own."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import event_type, member, schedule
from tests.scheduling.helpers import address, at, bearer, body, booked
from tests.scheduling.pages import Visitor
from webapp.scheduling.service.access import manage_token


@pytest.fixture
def pages(app: Flask) -> list[str]:
    """Public pages of each kind."""
    host = member()
    kind = event_type(of=host, on=schedule(of=host))
    where = f"/{host.organization.slug}"
    token = manage_token(booked(kind, at(10)))
    return [f"/book{where}", f"/book{where}/{kind.slug}", f"/embed{where}/{kind.slug}", f"/manage/{token}", "/sign-in"]


@pytest.mark.parametrize("host", ["a..b", "..", ".example.com", f"{'a' * 64}.example.com"])
def test_a_host_that_is_none(client: FlaskClient, pages: list[str], host: str) -> None:
    for path in (*pages, "/", "/app", "/admin/rq/", "/nowhere", "/api/v1/me"):
        answer = client.get(path, headers={"Host": host})
        assert (answer.status_code, answer.get_json()["code"]) == (400, "bad_request"), path


@pytest.mark.parametrize("query", ["endpoint=x", "_method=FOO", "_external=1", "_scheme=javascript", "_anchor=x"])
def test_a_query_in_words_that_mean_something_to_flask(client: FlaskClient, pages: list[str], query: str) -> None:
    for path in pages:
        answer = client.get(f"{path}?{query}")
        assert answer.status_code == 200, path
        if "language=de" in answer.text:
            assert f'href="{path}?{query}&amp;language=de"' in answer.text


def test_the_other_language_keeps_the_whole_query(app: Flask, pages: list[str]) -> None:
    page = Visitor(app).open(f"{pages[1]}?day=2030-01-01&x=1&x=ü+ü&language=en")
    assert page.link("Deutsch") == f"{pages[1]}?day=2030-01-01&x=1&x=%C3%BC+%C3%BC&language=de"


@pytest.mark.parametrize("sent", ["Basic \xff", "Basic", "Bearer", "Bearer \xff", "\xff", "Digest username=\xff"])
def test_an_authorization_in_no_known_letters(client: FlaskClient, sent: str) -> None:
    answer = client.get("/api/v1/me", headers={"Authorization": sent.encode("latin-1").decode("latin-1")})
    assert (answer.status_code, answer.get_json()["code"]) == (401, "unauthenticated")


def test_a_bearer_token_in_any_case(client: FlaskClient) -> None:
    headers = bearer(member())
    token = headers["Authorization"].split()[1]
    assert client.get("/api/v1/me", headers={"Authorization": f"bearer  {token} "}).status_code == 200


@pytest.mark.parametrize("name", ["\x7f", "A\x9bB", "abc \u202e exe", "\x00"])
def test_a_name_that_would_turn_or_hide_what_stands_beside_it(client: FlaskClient, name: str) -> None:
    host = member()
    kind = event_type(of=host, on=schedule(of=host))
    sent = body(at(10))
    sent["invitee"]["name"] = name
    answer = client.post(f"{address(kind)}/bookings", json=sent)
    assert (answer.status_code, answer.get_json()["errors"][0]["field"]) == (422, "invitee.name")


def test_addresses_and_keys_with_a_nul(app: Flask, client: FlaskClient) -> None:
    assert client.get("/embed/a%00b/x").status_code == 404
    assert client.get("/book/a%00b/x").status_code == 404
    host = member()
    visitor = Visitor(app).sign_in(host)
    visitor.open("/admin/jobs/schedules/a%00b", status=404)
    kind = event_type(of=host, on=schedule(of=host))
    form = visitor.open(f"/book/{host.organization.slug}/{kind.slug}/confirm?start={at(10):%Y-%m-%dT%H:%MZ}").form()
    sent = {"name": "Ada", "email": "ada@example.com", "idempotency_key": "a\0b"}
    assert visitor.send(form, sent, status=303)
