"""A guest moves a booking as often as anybody would, but not without end: everybody who takes part hears of each."""

from __future__ import annotations

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from jobs import notifications
from jobs.runtime.models import JobRun, RunState
from tests.factories import event_type, member
from tests.scheduling.helpers import at, bearer, booked, counted_queries, refused
from tests.scheduling.pages import Visitor
from webapp.core.db import session, transaction
from webapp.core.db import uuid7 as some_id
from webapp.scheduling.models import Booking
from webapp.scheduling.service.booking import manage_token
from webapp.scheduling.service.impact import Answer, answer_misfit
from webapp.scheduling.service.moves import MOST_MOVES

REMINDER = notifications.send_booking_reminder
WORDS = "please ask the host"


def moved_by_guest(client: FlaskClient, booking: Booking, times: int, *, hour: int = 11) -> None:
    path = f"/api/v1/public/bookings/{manage_token(booking)}/reschedule"
    for number in range(times):
        answer = client.post(path, json={"start": at(hour + number % 2).isoformat()})
        assert answer.status_code == 200, answer.text


def test_after_so_many_moves_only_the_host_moves_it(app: Flask, client: FlaskClient) -> None:
    host = member()
    booking = booked(event_type(of=host))
    public, page = f"/api/v1/public/bookings/{manage_token(booking)}", f"/manage/{manage_token(booking)}"
    moved_by_guest(client, booking, MOST_MOVES - 1)
    visitor = Visitor(app)
    assert WORDS not in visitor.open(page).words
    moved_by_guest(client, booking, 1, hour=14)
    refused(client.post(f"{public}/reschedule", json={"start": at(15).isoformat()}), 409, "moved_too_often")
    days = {"start": str(at(9).date()), "end": str(at(9).date()), "timezone": "Europe/Berlin"}
    refused(client.get(f"{public}/slots", query_string=days), 409, "moved_too_often")
    shown = client.get(public).get_json()
    assert (shown["can_reschedule"], shown["can_cancel"]) == (False, True)
    opened = visitor.open(page)
    assert WORDS in opened.words
    assert not [href for href, _ in opened.links if href.endswith("/reschedule")]
    visitor.open(f"{page}/reschedule", status=303)
    moved = client.post(
        f"/api/v1/bookings/{booking.id}/reschedule", json={"start": at(15).isoformat()}, headers=bearer(host)
    )
    assert moved.status_code == 200, moved.text
    assert client.post(f"{public}/cancel").status_code == 200


def test_whom_the_host_asks_to_move_it_can_do_so_once_more(client: FlaskClient) -> None:
    booking = booked(event_type(of=member()))
    moved_by_guest(client, booking, MOST_MOVES)
    with transaction():
        answer_misfit(booking=booking, start=booking.starts_at, answer=Answer.MOVE)
    moved_by_guest(client, booking, 1, hour=14)
    path = f"/api/v1/public/bookings/{manage_token(booking)}/reschedule"
    refused(client.post(path, json={"start": at(15).isoformat()}), 409, "moved_too_often")


def test_what_a_host_moves_is_not_counted_against_the_guest(client: FlaskClient) -> None:
    host = member()
    booking = booked(event_type(of=host))
    program = bearer(host)
    for number in range(MOST_MOVES + 1):
        sent = {"start": at(11 + number % 2).isoformat()}
        answer = client.post(f"/api/v1/bookings/{booking.id}/reschedule", json=sent, headers=program)
        assert answer.status_code == 200, answer.text
    path = f"/api/v1/public/bookings/{manage_token(booking)}/reschedule"
    assert client.post(path, json={"start": at(15).isoformat()}).status_code == 200


def test_reminders_of_all_earlier_times_are_taken_back_in_one_go(app: Flask) -> None:
    booking_id = some_id()
    for sequence in (0, 3, 29):
        REMINDER.once_at(at(10), f"booking:{booking_id}:reminder:{sequence}", booking_id, sequence)
    with counted_queries() as statements, transaction():
        notifications.cancel_reminders(booking_id, before_sequence=29)
    assert sum("UPDATE job_run" in statement for statement in statements) == 1
    waiting = select(JobRun.arguments).filter_by(name=REMINDER.name, state=RunState.WAITING)
    assert [arguments["sequence"] for arguments in session().scalars(waiting)] == [29]
