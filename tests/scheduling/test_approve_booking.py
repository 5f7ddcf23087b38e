"""Event types whose bookings wait for a host's yes: asked, approved, declined, withdrawn, moved, forgotten."""

from __future__ import annotations

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import event_type, member
from tests.scheduling.helpers import address, at, bearer, body, booked, in_days, refused, slots, time_of, token_of
from tests.scheduling.test_teams import people, together
from webapp.core.db import session, transaction
from webapp.core.events import DomainEvent
from webapp.identity.models import Role, Scope
from webapp.scheduling.errors import AlreadyCancelled, AlreadyConfirmed, AlreadyDeclined, BookingOver
from webapp.scheduling.events import (
    BookingCancelled,
    BookingConfirmed,
    BookingDeclined,
    BookingRequested,
    BookingRescheduled,
)
from webapp.scheduling.models import BookingStatus, Side
from webapp.scheduling.service.approval import approve, decline, expire
from webapp.scheduling.service.booking import cancel, reschedule


def test_who_books_what_needs_approval_has_asked_for_it_and_has_the_time(
    client: FlaskClient, heard: list[DomainEvent]
) -> None:
    kind = event_type(requires_approval=True)
    answer = client.post(f"{address(kind)}/bookings", json=body(at(10)))
    assert (answer.status_code, answer.get_json()["status"]) == (201, "pending")
    (asked,) = heard
    assert isinstance(asked, BookingRequested)
    assert at(10).isoformat() not in slots(client, kind, in_days(2))
    refused(client.post(f"{address(kind)}/bookings", json=body(at(10))), 409, "slot_taken", "start")
    managed = client.get(f"/api/v1/public/bookings/{token_of(answer)}").get_json()
    assert (managed["status"], managed["can_change"]) == ("pending", True)
    assert managed["event_type"]["requires_approval"] is True


def test_a_host_approves_and_the_meeting_keeps_its_time(client: FlaskClient, heard: list[DomainEvent]) -> None:
    host = member(role=Role.MEMBER)
    booking = booked(event_type(of=host, requires_approval=True))
    taken = time_of(booking).id
    heard.clear()
    path = f"/api/v1/bookings/{booking.id}/approve"
    answer = client.post(path, headers=bearer(host))
    assert (answer.status_code, answer.get_json()["status"]) == (200, "confirmed")
    assert heard == [BookingConfirmed(booking_id=booking.id, sequence=1)]
    assert time_of(booking).id == taken
    refused(client.post(path, headers=bearer(host)), 409, "already_confirmed")
    refused(client.post(path.replace("approve", "decline"), headers=bearer(host)), 409, "already_confirmed")
    assert len(heard) == 1


def test_a_host_declines_with_a_reason_and_the_time_is_free_again(
    client: FlaskClient, heard: list[DomainEvent]
) -> None:
    host = member()
    kind = event_type(of=host, requires_approval=True)
    booking = booked(kind, at(10))
    heard.clear()
    path = f"/api/v1/bookings/{booking.id}/decline"
    answer = client.post(path, json={"reason": " Away. "}, headers=bearer(host))
    assert answer.status_code == 200, answer.text
    told = answer.get_json()
    assert (told["status"], told["declined_by"], told["decline_reason"]) == ("declined", "host", "Away.")
    assert heard == [BookingDeclined(booking_id=booking.id)]
    assert at(10).isoformat() in slots(client, kind, in_days(2))
    refused(client.post(path, headers=bearer(host)), 409, "already_declined")
    refused(client.post(path.replace("decline", "approve"), headers=bearer(host)), 409, "already_declined")


@pytest.mark.parametrize("verb", ["approve", "decline"])
def test_an_answer_is_for_the_time_that_it_names(client: FlaskClient, verb: str) -> None:
    host = member()
    booking = booked(event_type(of=host, requires_approval=True), at(10))
    with transaction():
        reschedule(booking=booking, start=at(14))
    path, headers = f"/api/v1/bookings/{booking.id}/{verb}", bearer(host)
    refused(client.post(path, json={"start": at(10).isoformat()}, headers=headers), 409, "moved_meanwhile", "start")
    refused(client.post(path, json={"start": "soon"}, headers=headers), 422, "invalid", "start")
    assert client.get(f"/api/v1/bookings/{booking.id}", headers=headers).get_json()["status"] == "pending"
    assert client.post(path, json={"start": at(14).isoformat()}, headers=headers).status_code == 200


def test_strangers_colleagues_and_weak_tokens_answer_nothing(client: FlaskClient) -> None:
    host = member()
    booking = booked(event_type(of=host, requires_approval=True))
    for verb in ("approve", "decline"):
        path = f"/api/v1/bookings/{booking.id}/{verb}"
        refused(client.post(path, headers=bearer(member())), 404, "not_found")
        refused(client.post(path, headers=bearer(member(of=host.organization, role=Role.MEMBER))), 404, "not_found")
        refused(client.post(path, headers=bearer(host, Scope.BOOKINGS_READ)), 403, "insufficient_scope")
        refused(client.post(path), 401, "unauthenticated")
        refused(client.get(path), 405, "method_not_allowed")
    refused(client.post(path, json={"reason": "x" * 501}, headers=bearer(host)), 422, "invalid", "reason")
    session().refresh(booking)
    assert booking.is_pending


def test_any_host_of_a_team_that_meets_together_answers(client: FlaskClient) -> None:
    hosts = people(2)
    hosts[1].role = Role.MEMBER
    booking = booked(together(hosts, requires_approval=True))
    answer = client.post(f"/api/v1/bookings/{booking.id}/approve", headers=bearer(hosts[1]))
    assert answer.get_json()["status"] == "confirmed"


def test_a_guest_withdraws_a_request_by_cancelling(app: Flask, heard: list[DomainEvent]) -> None:
    booking = booked(event_type(requires_approval=True))
    heard.clear()
    with transaction():
        cancel(booking=booking, by=Side.GUEST, reason="")
    assert heard == [BookingCancelled(booking_id=booking.id)]
    assert (booking.status, booking.was_confirmed) == (BookingStatus.CANCELLED, False)
    with pytest.raises(AlreadyCancelled), transaction():
        approve(booking=booking)


def test_a_request_that_moves_is_asked_for_at_its_new_time(app: Flask, heard: list[DomainEvent]) -> None:
    booking = booked(event_type(requires_approval=True), at(10))
    heard.clear()
    with transaction():
        reschedule(booking=booking, start=at(14))
    assert booking.is_pending
    assert heard == [
        BookingRescheduled(booking_id=booking.id, previous_start=at(10), sequence=1),
        BookingRequested(booking_id=booking.id, sequence=1),
    ]


def test_who_moves_an_approved_booking_asks_again(app: Flask) -> None:
    booking = booked(event_type(requires_approval=True), at(10))
    with transaction():
        approve(booking=booking)
    with transaction():
        reschedule(booking=booking, start=at(14))
    assert (booking.status, booking.was_confirmed) == (BookingStatus.PENDING, True)
    with transaction():
        approve(booking=booking)
    assert (booking.status, booking.starts_at, booking.sequence) == (BookingStatus.CONFIRMED, at(14), 3)


def test_a_request_is_not_answered_any_more_once_it_would_have_begun(app: Flask) -> None:
    booking = booked(event_type(requires_approval=True), at(10))
    with time_machine.travel(at(10), tick=False):
        with pytest.raises(BookingOver), transaction():
            approve(booking=booking)
        with pytest.raises(BookingOver), transaction():
            decline(booking=booking, reason="")


def test_a_request_expires_when_its_time_comes_and_not_before(app: Flask, heard: list[DomainEvent]) -> None:
    booking = booked(event_type(requires_approval=True), at(10))
    heard.clear()
    with time_machine.travel(at(9, 59), tick=False), transaction():
        expire(booking=booking)
    assert booking.is_pending
    for _ in range(2):
        with time_machine.travel(at(10), tick=False), transaction():
            expire(booking=booking)
    assert (booking.status, booking.declined_by, booking.meeting_id) == (BookingStatus.DECLINED, None, None)
    assert heard == [BookingDeclined(booking_id=booking.id)]


def test_an_answer_given_meanwhile_is_seen(app: Flask) -> None:
    booking = booked(event_type(requires_approval=True))
    with transaction():
        session().connection().exec_driver_sql("UPDATE booking SET status = 'confirmed', was_confirmed = true")
    assert booking.is_pending  # as far as this request knows
    with pytest.raises(AlreadyConfirmed), transaction():
        decline(booking=booking, reason="")
    declined = booked(event_type(requires_approval=True))
    with transaction():
        decline(booking=declined, reason="")
    with pytest.raises(AlreadyDeclined), transaction():
        reschedule(booking=declined, start=at(14))
    with pytest.raises(AlreadyDeclined), transaction():
        cancel(booking=declined, by=Side.HOST, reason="")


def test_requests_are_listed_apart(client: FlaskClient) -> None:
    host = member()
    kind = event_type(of=host, requires_approval=True)
    asked, gone, sure = booked(kind, at(10)), booked(kind, at(11)), booked(kind, at(12))
    with transaction():
        decline(booking=gone, reason="")
        approve(booking=sure)

    def listed(when: str) -> list[str]:
        answer = client.get(f"/api/v1/bookings?when={when}", headers=bearer(host))
        return [booking["id"] for booking in answer.get_json()["items"]]

    assert [listed(when) for when in ("pending", "upcoming", "cancelled")] == [
        [str(asked.id)],
        [str(sure.id)],
        [str(gone.id)],
    ]
