"""Two hundred guests want one time of one host in the same instant; a real server, one of them gets it."""

from __future__ import annotations

import json
import os
import socket
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from http.client import HTTPConnection
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from devserver.servers import HOST, free_port, wait_until
from tests.factories import event_type, member, schedule
from tests.scheduling.helpers import address, at, body, booked
from tests.scheduling.test_teams import alone, in_turn, people, together
from tests.warm import Warm
from webapp.core.db import session, transaction
from webapp.scheduling.models import Booking, EventKind, EventType, Meeting
from webapp.scheduling.service.booking import manage_token
from webapp.scheduling.service.links import create_link

GUESTS = 200

Request = tuple[str, dict[str, Any], dict[str, str]]


@pytest.fixture(scope="module")
def port(migrated_app: Flask) -> Iterator[int]:
    """A server of two processes with eight threads each, as in production, on the test's database."""
    number = free_port()
    command = ("gunicorn", "wsgi:app", "--bind", f"{HOST}:{number}", "--workers", "2", "--threads", "8")
    server = Warm(*command, environment=dict(os.environ))
    try:
        assert wait_until(lambda: _listens(number), 60)
        yield number
    finally:
        server.terminate()
        server.wait(20)


def _listens(port: int) -> bool:
    with suppress(ConnectionRefusedError), socket.create_connection((HOST, port)):
        return True
    return False


def _all_at_once(port: int, requests: list[Request]) -> list[tuple[int, dict[str, Any]]]:
    """Send every request in the same instant; return each status and document."""
    session().rollback()  # a transaction left open here would be ended by the database while the guests take their time
    ready = Barrier(len(requests))

    def send(request: Request) -> tuple[int, dict[str, Any]]:
        path, sent, headers = request
        connection = HTTPConnection(HOST, port, timeout=60)
        connection.connect()
        ready.wait(60)
        connection.request("POST", path, json.dumps(sent), {"Content-Type": "application/json"} | headers)
        answer = connection.getresponse()
        document = json.loads(answer.read())
        connection.close()
        return answer.status, document

    with ThreadPoolExecutor(len(requests)) as guests:
        return list(guests.map(send, requests))


def _exactly_one_booked(answers: list[tuple[int, dict[str, Any]]]) -> None:
    assert Counter(status for status, _ in answers) == {201: 1, 409: len(answers) - 1}
    assert {document["code"] for status, document in answers if status == 409} == {"slot_taken"}
    (winner,) = [document["id"] for status, document in answers if status == 201]
    assert [str(booking.id) for booking in session().scalars(select(Booking))] == [winner]


def _request(kind: EventType, start: datetime) -> Request:
    return f"{address(kind)}/bookings", body(start), {}


def test_one_slot_goes_to_exactly_one_guest(app: Flask, port: int) -> None:
    kind = event_type()
    _exactly_one_booked(_all_at_once(port, [_request(kind, at(10))] * GUESTS))


def test_ten_seats_go_to_exactly_ten_guests(app: Flask, port: int) -> None:
    kind = event_type(kind=EventKind.GROUP, seats=10)
    answers = _all_at_once(port, [_request(kind, at(10))] * GUESTS)
    assert Counter(status for status, _ in answers) == {201: 10, 409: GUESTS - 10}
    assert {document["code"] for status, document in answers if status == 409} == {"slot_taken"}
    assert [(meeting.seats_taken, len(meeting.hosts)) for meeting in session().scalars(select(Meeting))] == [(10, 1)]
    assert session().scalar(select(func.count()).select_from(Booking)) == 10


def test_of_a_team_in_turn_each_host_is_booked_once(app: Flask, port: int) -> None:
    kind = in_turn(people(5))
    answers = _all_at_once(port, [_request(kind, at(10))] * GUESTS)
    assert Counter(status for status, _ in answers) == {201: 5, 409: GUESTS - 5}
    assert {document["code"] for status, document in answers if status == 409} == {"slot_taken"}
    hosts = [booking.host_id for booking in session().scalars(select(Booking))]
    assert sorted(hosts) == sorted(member.host_id for member in kind.team)


def test_a_team_together_and_its_members_alone_do_not_get_one_host_twice(app: Flask, port: int) -> None:
    hosts = people(3)
    kinds = [together(hosts), *(alone(host) for host in hosts)]
    answers = _all_at_once(port, [_request(kinds[number % 4], at(10)) for number in range(80)])
    sold = Counter(booking.event_type_id for booking in session().scalars(select(Booking)))
    assert sold in ({kinds[0].id: 1}, {kind.id: 1 for kind in kinds[1:]})
    assert Counter(status for status, _ in answers) == {201: sold.total(), 409: 80 - sold.total()}


def test_a_seat_and_a_talk_that_overlap_do_not_both_get_the_host(app: Flask, port: int) -> None:
    host = member()
    hours = schedule(of=host)
    talk, yoga = event_type(of=host, on=hours), event_type(of=host, on=hours, kind=EventKind.GROUP, seats=100)
    answers = _all_at_once(port, [_request((talk, yoga)[number % 2], at(10)) for number in range(40)])
    (meeting,) = session().scalars(select(Meeting))
    sold = 1 if meeting.event_type_id == talk.id else 20
    assert Counter(status for status, _ in answers) == {201: sold, 409: 40 - sold}


def test_overlapping_slots_of_two_event_types_go_to_exactly_one_guest(app: Flask, port: int) -> None:
    host = member()
    hours = schedule(of=host)
    talk = event_type(of=host, on=hours, buffer_after=15)
    workshop = event_type(of=host, on=hours, duration=120, slot_interval=15)
    wanted = [_request(talk, at(10)), _request(workshop, at(9, 15)), _request(workshop, at(9, 45))]
    _exactly_one_booked(_all_at_once(port, [wanted[number % 3] for number in range(GUESTS)]))


def test_two_guests_who_move_to_one_time_do_not_both_get_it(app: Flask, port: int) -> None:
    kind = event_type()
    movers = [booked(kind, at(9 + number // 2, 30 * (number % 2))) for number in range(8)]
    paths = [f"/api/v1/public/bookings/{manage_token(mover)}/reschedule" for mover in movers]
    sent = {"start": at(15).isoformat()}
    answers = _all_at_once(port, [(path, sent, {}) for path in paths])
    assert Counter(status for status, _ in answers) == {200: 1, 409: len(movers) - 1}


def test_a_booking_cancelled_and_moved_in_one_instant_ends_in_one_way(app: Flask, port: int) -> None:
    booking = booked(event_type(), at(10))
    path = f"/api/v1/public/bookings/{manage_token(booking)}"
    requests: list[Request] = [(f"{path}/cancel", {}, {}), (f"{path}/reschedule", {"start": at(14).isoformat()}, {})]
    answers = _all_at_once(port, requests * 10)
    assert {status for status, _ in answers} == {200, 409}
    cancels = [status for status, _ in answers[::2]]
    assert cancels.count(200) == 1
    session().refresh(booking)
    assert booking.status == "cancelled"
    assert (booking.sequence, booking.starts_at) in {(1, at(10)), (2, at(14))}


def test_one_request_sent_twenty_times_at_once_with_its_key_books_once(app: Flask, port: int) -> None:
    path, sent, _ = _request(event_type(), at(10))
    answers = _all_at_once(port, [(path, sent, {"Idempotency-Key": "one"})] * 20)
    assert {status for status, _ in answers} == {201}
    assert len({document["id"] for _, document in answers}) == 1
    assert len({document["manage_url"] for _, document in answers}) == 1


def test_a_link_that_books_once_does_so_with_fifty_guests_at_many_times(app: Flask, port: int) -> None:
    kind = event_type(is_secret=True)
    with transaction():
        link = create_link(event_type=kind, created_by=kind.host_id)
    starts = [at(9 + number % 8, 30 * (number // 8 % 2)) for number in range(50)]
    requests: list[Request] = [(f"{address(kind)}/bookings", body(start, link=link.token), {}) for start in starts]
    answers = _all_at_once(port, requests)
    assert Counter(status for status, _ in answers) == {201: 1, 410: 49}
    assert {document["code"] for status, document in answers if status == 410} == {"link_used"}
    booking = session().scalars(select(Booking)).one()
    session().refresh(link)
    assert link.booking_id == booking.id
