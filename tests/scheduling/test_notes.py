"""Hosts note things about bookings for themselves, and no guest ever sees them."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import Servers
from tests.factories import event_type, member
from tests.notifications.test_mails_to_a_team import work
from tests.scheduling.helpers import GUEST, at, bearer, booked, refused
from tests.scheduling.pages import Visitor
from tests.scheduling.test_attendees import everything
from webapp.core.db import session, transaction
from webapp.identity.models import Membership, Role, Scope
from webapp.scheduling import queries
from webapp.scheduling.models import Booking, Side
from webapp.scheduling.service.booking import book, cancel, manage_token, reschedule
from webapp.scheduling.service.notes import add_note

SECRET = "Pays late; see folder 77"


@pytest.fixture
def booking(host: Membership) -> Booking:
    kind = event_type(of=host, most_attendees=2)
    with transaction():
        return book(event_type=kind, start=at(10), guest=GUEST, answers={}, attendees=["ben@example.com"])


def path(booking: Booking, ending: str = "") -> str:
    return f"/api/v1/bookings/{booking.id}/notes{ending}"


def noted(booking: Booking, author: Membership, text: str = SECRET) -> str:
    with transaction():
        return str(add_note(booking=booking, author=author, text=text).id)


def test_nothing_that_leaves_the_house_holds_a_note(
    client: FlaskClient, servers: Servers, host: Membership, booking: Booking
) -> None:
    noted(booking, host)
    work()
    with transaction():
        reschedule(booking=booking, start=at(14))
    work()
    public = f"/api/v1/public/bookings/{manage_token(booking)}"
    pages = [f"/manage/{manage_token(booking)}{ending}" for ending in ("", "/invite.ics", "/attendees", "/cancel")]
    seen = [client.get(address).text for address in (*pages, public)]
    seen.append(client.post(f"{public}/attendees", json={"attendees": ["cleo@example.org"]}).text)
    with transaction():
        cancel(booking=booking, by=Side.HOST, reason="Closed")
    work()
    told = {address.addr_spec for message in servers.smtp.messages for address in message["To"].addresses}
    assert told == {GUEST.email, "ben@example.com", "cleo@example.org", host.user.email}
    assert len(servers.smtp.messages) >= 9
    assert all(SECRET not in words for words in [*seen, *map(everything, servers.smtp.messages)])
    assert SECRET in client.get(path(booking), headers=bearer(host)).text


def test_a_note_is_written_read_and_deleted_by_programs(
    client: FlaskClient, host: Membership, booking: Booking
) -> None:
    headers = bearer(host)
    answer = client.post(path(booking), json={"text": f"  {SECRET}\nTwice. "}, headers=headers)
    assert answer.status_code == 201, answer.text
    note = answer.get_json()
    assert note["text"] == f"{SECRET}\nTwice."
    assert note["author"] == {"id": str(host.user_id), "name": host.user.name}
    assert client.get(path(booking), headers=headers).get_json() == {"items": [note]}
    left = client.delete(path(booking, f"/{note['id']}"), headers=headers)
    assert (left.status_code, left.get_json()) == (200, {"items": []})
    refused(client.delete(path(booking, f"/{note['id']}"), headers=headers), 404, "not_found")


def test_a_note_that_is_sent_again_is_kept_once(client: FlaskClient, host: Membership, booking: Booking) -> None:
    headers = bearer(host) | {"Idempotency-Key": "k-1"}
    answers = [client.post(path(booking), json={"text": SECRET}, headers=headers).get_json() for _ in range(2)]
    assert answers[0] == answers[1]
    assert len(queries.notes(booking)) == 1
    refused(client.post(path(booking), json={"text": "Other"}, headers=headers), 422, "idempotency_key_reused")


def test_who_may_read_write_and_delete(client: FlaskClient, host: Membership) -> None:
    worker, colleague = (member(of=host.organization, role=Role.MEMBER) for _ in range(2))
    booking = booked(event_type(of=worker))
    note = noted(booking, host)
    for stranger in (member(), colleague):
        for answer in (
            client.get(path(booking), headers=bearer(stranger)),
            client.post(path(booking), json={"text": "x"}, headers=bearer(stranger)),
            client.delete(path(booking, f"/{note}"), headers=bearer(stranger)),
        ):
            refused(answer, 404, "not_found")
    refused(client.delete(path(booking, f"/{note}"), headers=bearer(worker)), 403, "forbidden")
    assert client.delete(path(booking, f"/{noted(booking, worker)}"), headers=bearer(host)).status_code == 200
    refused(client.get(path(booking)), 401, "unauthenticated")
    refused(client.get(path(booking), headers=bearer(host, Scope.BOOKINGS_WRITE)), 403, "insufficient_scope")
    refused(
        client.post(path(booking), json={"text": "x"}, headers=bearer(host, Scope.BOOKINGS_READ)),
        *(403, "insufficient_scope"),
    )
    refused(client.put(path(booking), headers=bearer(host)), 405, "method_not_allowed")


def test_a_note_of_another_booking_is_not_found(client: FlaskClient, host: Membership, booking: Booking) -> None:
    other = booked(event_type(of=host), at(15))
    refused(client.delete(path(booking, f"/{noted(other, host)}"), headers=bearer(host)), 404, "not_found")


@pytest.mark.parametrize("text", ["", "  \n ", "x" * 5001, "a\0b", 5, None])
def test_a_note_has_to_say_something_of_sane_length(
    client: FlaskClient, host: Membership, booking: Booking, text: object
) -> None:
    refused(client.post(path(booking), json={"text": text}, headers=bearer(host)), 422, "invalid", "text")


def test_a_host_notes_on_the_page(app: Flask, host: Membership, booking: Booking) -> None:
    visitor, address = Visitor(app).sign_in(host), f"/app/bookings/{booking.id}"
    form = visitor.open(address).form("/notes")
    page = visitor.follow(visitor.send(form, {"text": "<b>Pays</b> late"}))
    assert "<b>Pays</b> late" in page.words
    assert host.user.name in page.words
    assert "write something down" in visitor.send(form, {"text": "  "}, status=422).words
    other = member(of=host.organization, role=Role.ADMIN)
    outsider = Visitor(app).sign_in(member())
    stolen = outsider.open("/app/event-types/new").form()
    for stolen.action in (f"{address}/notes", page.form("/delete").action):
        outsider.send(stolen, {"text": "x"}, status=404)
    admin = Visitor(app).sign_in(other)
    assert "Pays" not in admin.follow(admin.send(admin.open(address).form("/delete"))).words
    session().rollback()
    assert queries.notes(booking) == []
