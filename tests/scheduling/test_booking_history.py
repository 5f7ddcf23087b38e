"""What became of a booking, and whose doing it was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.factories import event_type, member
from tests.scheduling.helpers import address, at, bearer, body, booked, refused, token_of
from tests.scheduling.pages import Visitor
from tests.scheduling.test_teams import in_turn, people
from webapp.core.acting import SYSTEM, current_actor
from webapp.core.db import session, transaction
from webapp.core.events import publish
from webapp.identity.models import Membership, Role, Scope
from webapp.scheduling.events import BookingEvent
from webapp.scheduling.models import BookingChange, Side
from webapp.scheduling.service.booking import cancel, manage_token, reschedule


def told(client: FlaskClient, host: Membership, booking_id: object) -> list[dict[str, Any]]:
    answer = client.get(f"/api/v1/bookings/{booking_id}/history", headers=bearer(host))
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.get_json()["items"]
    return items


def test_every_step_is_told_with_who_took_it_and_what_it_changed(client: FlaskClient, app: Flask) -> None:
    host = member()
    kind = event_type(of=host, requires_approval=True)
    made = client.post(f"{address(kind)}/bookings", json=body(at(10)))
    booking_id, guest = made.get_json()["id"], f"/api/v1/public/bookings/{token_of(made)}"
    client.post(f"/api/v1/bookings/{booking_id}/approve", headers=bearer(host))
    client.post(f"{guest}/reschedule", json={"start": at(14).isoformat()})
    visitor = Visitor(app).sign_in(host)
    visitor.send(visitor.open(f"/app/bookings/{booking_id}").form("/approve"))
    client.post(f"{guest}/cancel", json={"reason": "A cold"})
    asked, approved, moved, again, approved_again, cancelled = told(client, host, booking_id)
    by_member = {"kind": "member", "id": str(host.user_id), "name": host.user.name}
    by_guest = {"kind": "guest", "id": None, "name": None}
    assert [(step["what"], step["by"]) for step in (asked, approved, moved, again, approved_again, cancelled)] == [
        ("requested", by_guest),
        ("confirmed", by_member),
        ("rescheduled", by_guest),
        ("requested", by_guest),
        ("confirmed", by_member),
        ("cancelled", by_guest),
    ]
    assert asked["changes"]["guest_email"] == {"old": None, "new": "ada@example.com"}
    assert asked["changes"]["hosts"] == {"old": [], "new": [host.user.name]}
    assert approved["changes"] == {"status": {"old": "pending", "new": "confirmed"}}
    assert moved["changes"]["starts_at"] == {"old": _utc(at(10)), "new": _utc(at(14))}
    assert again["changes"] == {}
    assert cancelled["changes"]["cancel_reason"] == {"old": None, "new": "A cold"}
    assert "digest" not in str(asked)
    words = visitor.open(f"/app/bookings/{booking_id}").words
    steps = ("Cancelled A cold by Ada Lovelace, the guest", f"Confirmed by {host.user.name}", "Asked for approval")
    assert [step in words for step in steps] == [True] * 3


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def test_a_host_who_opens_a_guests_link_acts_as_the_guest(app: Flask, client: FlaskClient) -> None:
    host = member()
    booking, visitor = booked(event_type(of=host)), Visitor(app).sign_in(host)
    visitor.send(visitor.open(f"/manage/{manage_token(booking)}/cancel").form("/cancel"))
    assert told(client, host, booking.id)[-1]["by"]["kind"] == "guest"
    assert current_actor() == SYSTEM  # no request leaves anything behind


def test_what_no_request_does_is_the_systems_doing(app: Flask, client: FlaskClient) -> None:
    host = member()
    booking = booked(event_type(of=host))
    with transaction():
        cancel(booking=booking, by=Side.HOST, reason="")
    assert [step["by"]["kind"] for step in told(client, host, booking.id)] == ["system", "system"]


def test_another_host_after_a_move_is_named(client: FlaskClient) -> None:
    hosts = people(2)
    kind = in_turn(hosts, 1, 2)
    booking = booked(kind, at(10))
    leaving = kind.team[0].host
    with transaction():
        leaving.is_active = False
        reschedule(booking=booking, start=at(14))
    session().refresh(leaving)
    step = told(client, hosts[1], booking.id)[-1]
    assert step["changes"]["hosts"] == {"old": [leaving.name], "new": [hosts[1].user.name]}


def test_any_event_about_a_booking_is_kept_and_none_when_it_is_undone(app: Flask, client: FlaskClient) -> None:
    @dataclass(frozen=True, kw_only=True, slots=True)
    class BookingNoteAdded(BookingEvent):
        """A kind of event that history has never heard of."""

    host = member()
    booking = booked(event_type(of=host))
    with transaction():
        publish(BookingNoteAdded(booking_id=booking.id))
    try:
        with transaction():
            publish(BookingNoteAdded(booking_id=booking.id))
            raise LookupError
    except LookupError:
        pass
    assert [step["what"] for step in told(client, host, booking.id)] == ["confirmed", "note_added"]
    assert "Note added" in Visitor(app).sign_in(host).open(f"/app/bookings/{booking.id}").words


def test_strangers_colleagues_and_weak_tokens_read_nothing(client: FlaskClient) -> None:
    host = member()
    booking = booked(event_type(of=host))
    path = f"/api/v1/bookings/{booking.id}/history"
    refused(client.get(path, headers=bearer(member())), 404, "not_found")
    refused(client.get(path, headers=bearer(member(of=host.organization, role=Role.MEMBER))), 404, "not_found")
    refused(client.get(path, headers=bearer(host, Scope.BOOKINGS_WRITE)), 403, "insufficient_scope")
    refused(client.get(path), 401, "unauthenticated")
    refused(client.post(path, headers=bearer(host)), 405, "method_not_allowed")


def test_reading_changes_nothing(client: FlaskClient) -> None:
    host = member()
    booking = booked(event_type(of=host))
    for _ in range(2):
        told(client, host, booking.id)
    assert len(session().scalars(select(BookingChange)).all()) == 1
