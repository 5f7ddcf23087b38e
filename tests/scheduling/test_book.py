from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, insert, select, text

from tests.factories import event_type, member, schedule
from tests.scheduling.helpers import GUEST, address, at, body, booked, refused, time_of, until_somebody_waits
from webapp.core import clock, crypto
from webapp.core.db import db, session, transaction
from webapp.core.errors import NotFound
from webapp.core.events import DomainEvent
from webapp.scheduling.errors import (
    BeyondHorizon,
    BusyHost,
    InThePast,
    OffGrid,
    OutsideAvailability,
    SlotTaken,
    StartRefused,
    TooShortNotice,
)
from webapp.scheduling.events import BookingConfirmed
from webapp.scheduling.models import Booking, EventType, HostTime, Meeting
from webapp.scheduling.queries import public_event_type
from webapp.scheduling.service.booking import book, manage_token, manage_url

QUESTIONS = [
    {"key": "topic", "label": "What about?", "required": True, "long": False},
    {"key": "notes", "label": "Anything else?", "required": False, "long": True},
]


def test_a_guest_books_a_slot(client: FlaskClient) -> None:
    kind = event_type(buffer_before=5, buffer_after=10)
    answer = client.post(f"{address(kind)}/bookings", json=body(at(10)))
    assert answer.status_code == 201, answer.text
    booking = session().scalars(select(Booking)).one()
    assert answer.get_json() == {
        "id": str(booking.id),
        "status": "confirmed",
        "start": at(10).isoformat(),
        "end": at(10, 30).isoformat(),
        "manage_url": manage_url(booking),
    }
    assert (booking.starts_at, booking.ends_at) == (at(10), at(10, 30))
    time = time_of(booking)
    assert (time.host_id, time.blocked_from, time.blocked_until) == (kind.host_id, at(9, 55), at(10, 40))
    assert booking.organization_id == kind.organization_id
    assert booking.sequence == 0


def test_the_start_may_come_in_any_offset_and_the_answer_is_in_the_guests_zone(client: FlaskClient) -> None:
    kind = event_type()
    sent = body(at(10).astimezone(UTC), timezone="Asia/Tokyo")
    sent["start"] = sent["start"].replace("+00:00", "Z")
    answer = client.post(f"{address(kind)}/bookings", json=sent).get_json()
    assert answer["start"].endswith("+09:00")
    assert datetime.fromisoformat(answer["start"]) == at(10)


def test_the_database_keeps_no_more_than_the_digest_of_the_manage_link(client: FlaskClient) -> None:
    booking = booked(event_type())
    token = manage_token(booking)
    assert booking.manage_digest == crypto.digest(token)
    stored = session().execute(text("SELECT row_to_json(booking)::text FROM booking")).scalar_one()
    assert token not in stored


def test_what_a_guest_tells_is_kept_tidily(client: FlaskClient) -> None:
    kind = event_type(questions=QUESTIONS)
    invitee = {"name": "  Zoë Müller ", "email": " Zoe@EXAMPLE.com ", "phone": "+49 (30) 123-4567"}
    answers = {"topic": " Tax ", "notes": "One.\nTwo."}
    answer = client.post(f"{address(kind)}/bookings", json=body(at(10), invitee=invitee, answers=answers))
    assert answer.status_code == 201, answer.text
    booking = session().scalars(select(Booking)).one()
    assert (booking.guest_name, booking.guest_email, booking.guest_phone) == (
        "Zoë Müller",
        "Zoe@example.com",
        "+49301234567",
    )
    assert booking.guest_timezone == "Europe/Berlin"
    assert booking.answers == {"topic": "Tax", "notes": "One.\nTwo."}


@pytest.mark.parametrize(
    ("answers", "fields"),
    [
        ({}, ["answers.topic"]),
        ({"topic": "   "}, ["answers.topic"]),
        ({"topic": "two\nlines"}, ["answers.topic"]),
        ({"topic": "x" * 5001}, ["answers.topic"]),
        ({"topic": "Tax", "mood": "good"}, ["answers.mood"]),
        ({"notes": "a\0b", "mood": "good"}, ["answers.topic", "answers.notes", "answers.mood"]),
    ],
)
def test_answers_have_to_fit_the_questions(client: FlaskClient, answers: dict[str, str], fields: list[str]) -> None:
    kind = event_type(questions=QUESTIONS)
    refused(client.post(f"{address(kind)}/bookings", json=body(at(10), answers=answers)), 422, "invalid", *fields)


def test_a_taken_slot_is_refused_and_so_is_one_that_overlaps_it(client: FlaskClient) -> None:
    kind = event_type(duration=60)
    booked(kind, at(10))
    refused(client.post(f"{address(kind)}/bookings", json=body(at(10))), 409, "slot_taken", "start")
    refused(client.post(f"{address(kind)}/bookings", json=body(at(10, 30))), 409, "slot_taken", "start")
    assert client.post(f"{address(kind)}/bookings", json=body(at(11))).status_code == 201


def test_a_person_who_hosts_in_two_organisations_is_in_one_place_at_a_time(client: FlaskClient) -> None:
    first = member()
    kind = event_type(of=first)
    elsewhere = member()
    elsewhere.user_id, elsewhere.user = first.user_id, first.user
    other = event_type(of=elsewhere, on=schedule(of=elsewhere))
    booked(kind, at(10))
    refused(client.post(f"{address(other)}/bookings", json=body(at(10))), 409, "slot_taken", "start")


@pytest.mark.parametrize(
    ("start", "refusal"),
    [
        (at(10, days=-1), InThePast),
        (at(10, days=0), (InThePast, TooShortNotice)),
        (at(10, days=61), BeyondHorizon),
        (at(3), OutsideAvailability),
        (at(16, 45), OutsideAvailability),
        (at(10, 7), OffGrid),
        (at(10) + timedelta(seconds=1), OffGrid),
        (datetime(1, 1, 1, tzinfo=UTC), InThePast),
        (datetime(9999, 12, 31, 23, 59, tzinfo=UTC), BeyondHorizon),
    ],
)
def test_a_start_that_was_never_on_offer_is_refused_with_the_reason(
    app: Flask, start: datetime, refusal: type[StartRefused] | tuple[type[StartRefused], ...]
) -> None:
    kind = event_type(minimum_notice=24 * 60)
    with pytest.raises(refusal) as caught, transaction():
        book(event_type=kind, start=start, guest=GUEST, answers={})
    assert caught.value.field == "start"


def test_refusals_have_stable_codes(client: FlaskClient) -> None:
    path = f"{address(event_type(minimum_notice=24 * 60))}/bookings"
    soon = clock.now().replace(second=0, microsecond=0) + timedelta(hours=1)
    refused(client.post(path, json=body(at(10, days=-1))), 422, "in_the_past", "start")
    refused(client.post(path, json=body(soon)), 422, "too_short_notice", "start")
    refused(client.post(path, json=body(at(10, days=70))), 422, "beyond_horizon", "start")
    refused(client.post(path, json=body(at(3))), 422, "outside_availability", "start")
    refused(client.post(path, json=body(at(10, 7))), 422, "off_grid", "start")


def test_an_event_type_that_was_switched_off_meanwhile_is_booked_no_more(app: Flask) -> None:
    kind = event_type(is_active=False)
    with pytest.raises(NotFound), transaction():
        book(event_type=kind, start=at(10), guest=GUEST, answers={})


def test_a_booking_is_announced_in_its_own_transaction(app: Flask, heard: list[DomainEvent]) -> None:
    kind = event_type()
    with transaction() as current:
        booking = book(event_type=kind, start=at(10), guest=GUEST, answers={})
        assert heard == [BookingConfirmed(booking_id=booking.id)]
        current.rollback()
    assert session().scalars(select(Booking)).all() == []


def test_the_database_has_the_last_word(app: Flask) -> None:
    """Somebody writes past the service and its lock: the constraint refuses the second, as a taken slot."""
    kind = event_type()
    with db.engine.connect() as intruder, ThreadPoolExecutor() as pool:
        intruder.execute(insert(Meeting).values(**_meeting(kind)))
        intruder.execute(insert(HostTime).values(**_host_time(kind)))
        guest = pool.submit(_book_in, app, kind.organization.slug, kind.slug, at(10))
        until_somebody_waits()
        intruder.commit()
        with pytest.raises(SlotTaken):
            guest.result(10)
    assert session().scalar(select(func.count()).select_from(Meeting)) == 1
    assert session().scalar(select(func.count()).select_from(Booking)) == 0


def test_a_host_whom_everybody_books_at_once_is_busy_and_not_broken(app: Flask) -> None:
    kind = event_type()
    with ThreadPoolExecutor() as pool, transaction():
        book(event_type=kind, start=at(10), guest=GUEST, answers={})
        guest = pool.submit(_book_in, app, kind.organization.slug, kind.slug, at(14), lock_timeout="100ms")
        with pytest.raises(BusyHost):
            guest.result(10)


def _book_in(app: Flask, organization: str, slug: str, start: datetime, lock_timeout: str = "10s") -> None:
    """Book in a context of its own, as another request would."""
    with app.app_context(), transaction():
        session().execute(text("SELECT set_config('lock_timeout', :value, true)"), {"value": lock_timeout})
        book(event_type=public_event_type(organization, slug), start=start, guest=GUEST, answers={})


def _meeting(kind: EventType) -> dict[str, Any]:
    whose = {"organization_id": kind.organization_id, "event_type_id": kind.id}
    return whose | {"id": kind.id, "starts_at": at(10), "ends_at": at(10, 30)}


def _host_time(kind: EventType) -> dict[str, Any]:
    whose = {"organization_id": kind.organization_id, "event_type_id": kind.id, "host_id": kind.host_id}
    times = {"blocked_from": at(10), "blocked_until": at(10, 30), "apart_from": at(10), "apart_until": at(10, 30)}
    return whose | {"meeting_id": kind.id} | times
