"""Hosts book for guests and move bookings: by the rules, or outside of them; never over another meeting."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.factories import event_type, member, schedule
from tests.scheduling.helpers import GUEST, address, at, bearer, body, booked, refused
from tests.scheduling.test_teams import in_turn, people
from webapp.core import clock
from webapp.core.db import session, transaction
from webapp.core.events import DomainEvent
from webapp.identity.models import Membership, Role, Scope
from webapp.scheduling.errors import BeyondHorizon, OffGrid, SlotTaken
from webapp.scheduling.events import BookingConfirmed, BookingRescheduled
from webapp.scheduling.models import Booking, EventType, Side
from webapp.scheduling.service.blocks import BlockDetails, RecurringDetails, block_recurring, block_time
from webapp.scheduling.service.booking import book, reschedule
from webapp.scheduling.service.offers import broken_rules
from webapp.scheduling.service.out_of_office import AwayDetails, be_away
from webapp.scheduling.slots import Refusal


@pytest.fixture
def kind(host: Membership) -> EventType:
    return event_type(of=host)


def host_books(kind: EventType, start: datetime, *, outside: bool = True) -> Booking:
    with transaction():
        return book(event_type=kind, start=start, guest=GUEST, answers={}, by=Side.HOST, outside_rules=outside)


def test_a_host_books_for_a_guest_who_is_confirmed_at_once(
    client: FlaskClient, host: Membership, heard: list[DomainEvent]
) -> None:
    kind = event_type(of=host, requires_approval=True)
    sent = body(at(10), event_type_id=str(kind.id))
    answer = client.post("/api/v1/bookings", json=sent, headers=bearer(host) | {"Idempotency-Key": "one"})
    assert answer.status_code == 201, answer.text
    made = answer.get_json()
    assert (made["status"], made["invitee"]["name"], made["host"]["id"]) == (
        "confirmed",
        "Ada Lovelace",
        str(host.user_id),
    )
    assert [type(event) for event in heard] == [BookingConfirmed]
    again = client.post("/api/v1/bookings", json=sent, headers=bearer(host) | {"Idempotency-Key": "one"})
    assert (again.status_code, again.get_json()) == (201, made)
    refused(client.post("/api/v1/bookings", json=sent, headers=bearer(host)), 409, "slot_taken", "start")


BROKEN: list[tuple[dict[str, Any], Callable[[], datetime], str, int]] = [
    ({}, lambda: at(20), "outside_availability", 422),
    ({}, lambda: at(10, 10), "off_grid", 422),
    ({"minimum_notice": 7 * 1440}, lambda: at(10), "too_short_notice", 422),
    ({"horizon_days": 1}, lambda: at(10, days=3), "beyond_horizon", 422),
    ({"limit_per_day": 1}, lambda: at(12), "limit_reached", 409),
]


@pytest.mark.parametrize("broken", BROKEN)
def test_each_rule_holds_until_the_host_says_outside_rules(
    client: FlaskClient, host: Membership, broken: tuple[dict[str, Any], Callable[[], datetime], str, int]
) -> None:
    terms, start, code, status = broken
    kind = event_type(of=host, **terms)
    if "limit_per_day" in terms:
        booked(kind, at(10))
    path, headers = "/api/v1/bookings", bearer(host)
    sent = body(start(), event_type_id=str(kind.id))
    refused(client.post(path, json=sent, headers=headers), status, code, "start")
    assert broken_rules(event_type=kind, start=start()) == [Refusal(code)]
    answer = client.post(path, json=sent | {"outside_rules": True}, headers=headers)
    assert answer.status_code == 201, answer.text
    move = f"{path}/{answer.get_json()['id']}/reschedule"
    later = (start() + timedelta(minutes=100)).isoformat()  # which is on no grid
    assert client.post(move, json={"start": later}, headers=headers).status_code in {409, 422}
    moved = client.post(move, json={"start": later, "outside_rules": True}, headers=headers)
    assert moved.status_code == 200, moved.text


@pytest.mark.parametrize("how", ["block", "recurring block", "days out of office"])
def test_hosts_book_over_what_they_blocked_themselves_and_over_no_meeting(
    client: FlaskClient, host: Membership, kind: EventType, how: str
) -> None:
    whose: dict[str, Any] = {"organization_id": host.organization_id, "host_id": host.user_id}
    zone, day = "Europe/Berlin", at(12).date()
    with transaction():
        if how == "block":
            block_time(**whose, details=BlockDetails(timezone=zone, starts_at=at(12), ends_at=at(13)))
        elif how == "recurring block":
            lunch: dict[str, Any] = {"first_day": day, "start_minute": 720, "end_minute": 780, "rule": "FREQ=DAILY"}
            block_recurring(**whose, details=RecurringDetails(timezone=zone, **lunch))
        else:
            be_away(**whose, details=AwayDetails(timezone=zone, first_day=day, last_day=day))
    path, headers = "/api/v1/bookings", bearer(host)
    sent = body(at(12, 30), event_type_id=str(kind.id))
    refused(client.post(path, json=sent, headers=headers), 409, "slot_taken", "start")
    refused(client.post(f"{address(kind)}/bookings", json=body(at(12, 30))), 409, "slot_taken", "start")
    assert broken_rules(event_type=kind, start=at(12, 30)) == [Refusal.BLOCKED]
    made = client.post(path, json=sent | {"outside_rules": True}, headers=headers)
    assert made.status_code == 201, made.text
    again = client.post(path, json=sent | {"outside_rules": True}, headers=headers)
    refused(again, 409, "slot_taken", "start")
    move = f"{path}/{made.get_json()['id']}/reschedule"
    earlier = {"start": at(12).isoformat()}
    refused(client.post(move, json=earlier, headers=headers), 409, "slot_taken", "start")
    assert client.post(move, json=earlier | {"outside_rules": True}, headers=headers).status_code == 200


def test_no_meeting_ever_overlaps_another_one_whoever_books(host: Membership) -> None:
    hours = schedule(of=host)
    one, other = event_type(of=host, on=hours), event_type(of=host, on=hours, buffer_before=15, duration=60)
    host_books(one, at(20))
    for kind, start in ((one, at(20)), (one, at(20, 29)), (other, at(19, 1)), (other, at(20, 44))):
        with pytest.raises(SlotTaken):
            host_books(kind, start)
    moving = host_books(one, at(22))
    with pytest.raises(SlotTaken), transaction():
        reschedule(booking=moving, start=at(20, 15), by=Side.HOST, outside_rules=True)
    assert len(session().scalars(select(Booking)).all()) == 2


def test_breaks_are_kept_whoever_books_and_the_host_is_told_of_them(client: FlaskClient, host: Membership) -> None:
    kind = event_type(of=host, buffer_before=30, buffer_after=30)
    booked(kind, at(10))
    path, headers = "/api/v1/bookings", bearer(host)
    sent = body(at(10, 45), event_type_id=str(kind.id), outside_rules=True)
    answer = client.post(path, json=sent, headers=headers)
    refused(answer, 409, "slot_taken", "start")
    assert "the break that is kept before or after one" in answer.get_json()["errors"][0]["message"]
    made = client.post(path, json=sent | {"start": at(11, 30).isoformat()}, headers=headers)
    moved = client.post(
        f"{path}/{made.get_json()['id']}/reschedule",
        json={"start": at(11, 29).isoformat(), "outside_rules": True},
        headers=headers,
    )
    refused(moved, 409, "slot_taken", "start")
    assert "the break that is kept before or after one" in moved.get_json()["errors"][0]["message"]
    guest = client.post(f"{address(kind)}/bookings", json=body(at(10, 30)))
    assert "has just been taken" in guest.get_json()["errors"][0]["message"]


def test_every_rule_that_is_broken_is_named(host: Membership) -> None:
    kind = event_type(of=host, minimum_notice=7 * 1440, limit_per_day=1)
    host_books(kind, at(10))
    assert broken_rules(event_type=kind, start=at(20)) == [
        Refusal.TOO_SHORT_NOTICE,
        Refusal.OUTSIDE_AVAILABILITY,
        Refusal.LIMIT_REACHED,
    ]
    with pytest.raises(SlotTaken):
        broken_rules(event_type=kind, start=at(10))


def test_of_a_team_in_turn_somebody_who_is_free_takes_it(app: Flask) -> None:
    kind = in_turn(people(2))
    hosts = {host_books(kind, at(20)).host_id for _ in range(2)}
    assert hosts == {member.host_id for member in kind.team}
    with pytest.raises(SlotTaken):
        host_books(kind, at(20))


def test_the_past_seconds_and_another_age_are_nobodys(host: Membership, kind: EventType) -> None:
    with pytest.raises(OffGrid):
        host_books(kind, at(20) + timedelta(seconds=1))
    with pytest.raises(BeyondHorizon):
        host_books(kind, clock.now().replace(second=0, microsecond=0) + timedelta(days=3661))
    with pytest.raises(Exception, match="already passed"):
        host_books(kind, at(10, days=-1))


def test_a_host_moves_a_booking_and_it_stays_confirmed(client: FlaskClient, host: Membership) -> None:
    kind = event_type(of=host, requires_approval=True)
    booking = host_books(kind, at(10))
    headers, path = bearer(host), f"/api/v1/bookings/{booking.id}/reschedule"
    moved = client.post(path, json={"start": at(14).isoformat()}, headers=headers)
    assert moved.status_code == 200, moved.text
    assert (moved.get_json()["status"], moved.get_json()["sequence"]) == ("confirmed", 1)
    refused(client.post(path, json={"start": at(14).isoformat()}, headers=headers), 409, "nothing_changed", "start")


def test_a_host_who_moves_a_request_approves_it(host: Membership, heard: list[DomainEvent]) -> None:
    booking = booked(event_type(of=host, requires_approval=True), at(10))
    heard.clear()
    with transaction():
        reschedule(booking=booking, start=at(14), by=Side.HOST)
    assert booking.is_confirmed
    assert heard == [
        BookingRescheduled(booking_id=booking.id, previous_start=at(10), sequence=1),
        BookingConfirmed(booking_id=booking.id, sequence=2),
    ]


def test_strangers_colleagues_and_weak_tokens_book_and_move_nothing(
    client: FlaskClient, host: Membership, kind: EventType
) -> None:
    booking = booked(kind)
    move, made = f"/api/v1/bookings/{booking.id}/reschedule", "/api/v1/bookings"
    bodies = {move: {"start": at(12).isoformat()}, made: body(at(12), event_type_id=str(kind.id))}
    for path, sent in bodies.items():
        refused(client.post(path, json=sent, headers=bearer(member())), 404, "not_found")
        colleague = bearer(member(of=host.organization, role=Role.MEMBER))
        refused(client.post(path, json=sent, headers=colleague), 404, "not_found")
        refused(client.post(path, json=sent, headers=bearer(host, Scope.BOOKINGS_READ)), 403, "insufficient_scope")
        refused(client.post(path, json=sent), 401, "unauthenticated")
    refused(client.get(move, headers=bearer(host)), 405, "method_not_allowed")
    malformed = client.post(move, json={"outside_rules": "yes"}, headers=bearer(host))
    refused(malformed, 422, "invalid", "start", "outside_rules")
    refused(client.post(made, json=body(at(12)), headers=bearer(host)), 422, "invalid", "event_type_id")
    session().refresh(booking)
    assert booking.sequence == 0
