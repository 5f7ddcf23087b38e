"""Secret links and links that book once: who gets in, how often, and what a link of no use says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.factories import event_type, member
from tests.scheduling.helpers import address, at, bearer, body, in_days, refused
from tests.scheduling.pages import Visitor
from webapp.core import clock
from webapp.core.db import session, transaction
from webapp.identity.models import Role, Scope
from webapp.scheduling.models import Booking, BookingLink, EventType
from webapp.scheduling.service.links import create_link, link_url, page_url
from webapp.scheduling.views.picker import start_value

READ, WRITE = Scope.EVENT_TYPES_READ, Scope.EVENT_TYPES_WRITE


def once(kind: EventType, **changes: Any) -> BookingLink:
    with transaction():
        return create_link(event_type=kind, created_by=kind.host_id, **changes)


def slots(client: FlaskClient, kind: EventType, link: str | None = None) -> Any:
    days = {"start": in_days(2).isoformat(), "end": in_days(2).isoformat(), "timezone": "Europe/Berlin"}
    return client.get(f"{address(kind)}/slots", query_string=days | ({"link": link} if link else {}))


def book(client: FlaskClient, kind: EventType, hour: int = 10, **changes: Any) -> Any:
    return client.post(f"{address(kind)}/bookings", json=body(at(hour), **changes))


def test_a_secret_event_type_is_found_by_its_link_alone(app: Flask, client: FlaskClient) -> None:
    kind = event_type(is_secret=True, name="Hidden talk")
    guest, path = Visitor(app), f"/book/{kind.organization.slug}"
    assert "Hidden talk" not in guest.open(path).words
    assert client.get(f"/api/v1/public/{kind.organization.slug}").get_json()["event_types"] == []
    for link in (None, "wrong", "é"):
        refused(slots(client, kind, link), 404, "not_found")
        refused(book(client, kind, link=link), 404, "not_found")
        guest.open(f"{path}/{kind.slug}?link={link or ''}", status=404)
        guest.open(f"{path}/{kind.slug}/confirm?start={start_value(at(10))}&link={link or ''}", status=404)
    assert slots(client, kind, kind.secret_code).get_json()["slots"]
    assert client.get(address(kind), query_string={"link": kind.secret_code}).get_json()["name"] == "Hidden talk"
    assert book(client, kind, 9, link=kind.secret_code).status_code == 201
    page = guest.open(page_url(kind))
    chosen = guest.open(next(href for href, _ in page.links if "/confirm" in href))
    shown = guest.follow(guest.send(chosen.form(), {"name": "Ada", "email": "ada@example.com"}))
    assert "You are booked in" in shown.words
    assert kind.secret_code not in shown.answer.text


def test_a_renewed_secret_link_works_and_the_old_one_does_not(app: Flask, client: FlaskClient) -> None:
    host = member()
    kind = event_type(of=host, is_secret=True)
    old = kind.secret_code
    visitor = Visitor(app).sign_in(host)
    page = visitor.open(f"/app/event-types/{kind.id}/links")
    assert page_url(kind) in page.words
    visitor.send(page.form("/secret-link/renew"))
    session().refresh(kind)
    assert kind.secret_code != old
    refused(slots(client, kind, old), 404, "not_found")
    answer = client.post(f"/api/v1/event-types/{kind.id}/secret-link/renew", headers=bearer(host, WRITE))
    session().refresh(kind)
    assert answer.get_json()["url"] == page_url(kind)
    assert slots(client, kind, kind.secret_code).status_code == 200


@pytest.mark.parametrize("secret", [True, False])
def test_a_link_that_books_once_books_once(app: Flask, client: FlaskClient, secret: bool) -> None:
    kind = event_type(is_secret=secret)
    link = once(kind)
    assert slots(client, kind, link.token).status_code == 200
    made = book(client, kind, link=link.token)
    assert made.status_code == 201
    session().refresh(link)
    assert str(link.booking_id) == made.get_json()["id"]
    refused(slots(client, kind, link.token), 410, "link_used", "link")
    refused(book(client, kind, 12, link=link.token), 410, "link_used", "link")
    page = Visitor(app).open(link_url(kind, link), status=410)
    assert "This link has been used: it books once." in page.words


def test_a_refused_booking_leaves_the_link_unused(client: FlaskClient) -> None:
    kind = event_type()
    link = once(kind)
    refused(book(client, kind, 3, link=link.token), 422, "outside_availability", "start")
    assert book(client, kind, link=link.token).status_code == 201


def test_the_same_request_sent_again_with_its_key_is_answered_as_before(client: FlaskClient) -> None:
    kind = event_type(is_secret=True)
    link, path = once(kind), f"{address(kind)}/bookings"
    first, second = (
        client.post(path, json=body(at(10), link=link.token), headers={"Idempotency-Key": "k"}) for _ in range(2)
    )
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.get_json() == second.get_json()


def test_an_expired_link_says_so(app: Flask, client: FlaskClient) -> None:
    kind = event_type()
    link = once(kind, expires_at=clock.now() + timedelta(hours=1))
    with time_machine.travel(clock.now() + timedelta(hours=2)):
        refused(slots(client, kind, link.token), 410, "link_expired", "link")
        refused(book(client, kind, link=link.token), 410, "link_expired", "link")
        assert "This link has expired." in Visitor(app).open(link_url(kind, link), status=410).words


def test_a_link_opens_no_other_event_type_and_none_that_is_switched_off(client: FlaskClient) -> None:
    kind, other, off = event_type(), event_type(is_secret=True), event_type(is_active=False)
    refused(slots(client, other, once(kind).token), 404, "not_found")
    refused(slots(client, other, other.secret_code[:-1]), 404, "not_found")
    refused(slots(client, off, once(off).token), 404, "not_found")


def test_a_host_makes_a_link_for_one_guest_who_finds_the_form_filled_in(app: Flask) -> None:
    host = member()
    kind = event_type(of=host, is_secret=True)
    visitor, guest = Visitor(app).sign_in(host), Visitor(app)
    page = visitor.open(visitor.open("/app/event-types").link("Links"))
    wrong = visitor.send(page.form("/links"), {"guest_email": "mara@", "expires_at": "2020-01-01"}, status=422)
    assert 'href="#guest_email"' in wrong.answer.text
    assert 'href="#expires_at"' in wrong.answer.text
    typed = {"guest_name": "Mara", "guest_email": "mara@example.org", "expires_at": in_days(9).isoformat()}
    made = visitor.follow(visitor.send(wrong.form("/links"), typed))
    (link,) = session().scalars(select(BookingLink))
    assert link_url(kind, link) in made.words
    assert link.token not in link.token_digest
    chosen = guest.open(f"{link_url(kind, link)}&month={at(10):%Y-%m}&day={in_days(2)}")
    form = guest.open(next(href for href, _ in chosen.links if "/confirm" in href)).form()
    assert {("name", "Mara"), ("email", "mara@example.org")} <= set(form.fields)
    guest.send(form)
    assert session().scalars(select(Booking)).one().guest_email == "mara@example.org"
    again = guest.send(form)  # the same form again: the same booking
    assert "/manage/" in again.answer.location
    used = visitor.open(f"/app/event-types/{kind.id}/links")
    assert "Used" in used.words
    visitor.send(used.form(f"{link.id}/delete"))
    guest.open(link_url(kind, link), status=404)


def test_a_program_makes_lists_and_deletes_links(client: FlaskClient) -> None:
    host = member()
    kind = event_type(of=host, is_secret=True)
    path, program = f"/api/v1/event-types/{kind.id}/links", bearer(host, READ, WRITE)
    sent = {"guest_name": "Mara", "expires_at": at(10).isoformat()}
    one, same = (client.post(path, json=sent, headers=program | {"Idempotency-Key": "k"}) for _ in range(2))
    assert one.status_code == 201, one.text
    assert one.get_json() == same.get_json()
    assert book(client, kind, link=one.get_json()["url"].partition("link=")[2]).status_code == 201
    (item,) = client.get(path, headers=program).get_json()["items"]
    assert item["used_at"]
    assert item["booking_id"]
    assert client.delete(f"{path}/{item['id']}", headers=program).status_code == 200
    assert client.get(path, headers=program).get_json()["items"] == []
    refused(client.post(path, json={"guest_email": "x", "expires_at": 5}, headers=program), *_BAD)
    refused(client.post(path, json={"expires_at": "2020-01-01T00:00Z"}, headers=program), 422, "invalid", "expires_at")


_BAD: Any = (422, "invalid", "guest_email", "expires_at")


@pytest.mark.parametrize(
    ("method", "ending"),
    [("get", "links"), ("post", "links"), ("delete", "links/{id}"), ("post", "secret-link/renew")],
)
def test_strangers_reach_nothing_of_it(app: Flask, client: FlaskClient, method: str, ending: str) -> None:
    host = member()
    kind = event_type(of=host)
    path = f"/api/v1/event-types/{kind.id}/{ending.format(id=once(kind).id)}"
    ask = getattr(client, method)
    for outsider in (member(), member(of=host.organization, role=Role.MEMBER)):
        refused(ask(path, headers=bearer(outsider, READ, WRITE)), 404, "not_found")
    refused(ask(path), 401, "unauthenticated")
    if method != "get":
        refused(ask(path, headers=bearer(host, READ)), 403, "insufficient_scope")
    refused(client.put(path, headers=bearer(host)), 405, "method_not_allowed")


def test_pages_of_links_are_the_organisations_own(app: Flask) -> None:
    kind = event_type()
    link = once(kind)
    other = member()
    theirs, outsider = once(event_type(of=other)), Visitor(app).sign_in(other)
    outsider.open(f"/app/event-types/{kind.id}/links", status=404)
    form = outsider.open(f"/app/event-types/{theirs.event_type_id}/links").form("/delete")
    form.action = f"/app/event-types/{theirs.event_type_id}/links/{link.id}/delete"
    outsider.send(form, status=404)
    Visitor(app).open(f"/app/event-types/{kind.id}/links", status=303)
