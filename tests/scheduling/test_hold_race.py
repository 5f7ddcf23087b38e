"""A hundred guests want to hold or book one time in the same instant; a real server, one of them has it."""

from __future__ import annotations

from collections import Counter

import pytest
from sqlalchemy import func, select

from tests.factories import event_type
from tests.scheduling.helpers import address, at, body
from tests.scheduling.test_booking_race import Request, _all_at_once, _exactly_one_booked, port
from tests.scheduling.test_groups import group
from webapp.core.crypto import new_token
from webapp.core.db import session, transaction
from webapp.core.settings import settings
from webapp.scheduling.models import EventType, Hold, Meeting
from webapp.scheduling.service.holds import hold_time

__all__ = ["port"]  # the fixture

GUESTS = 100


def _hold(kind: EventType, hour: int = 10) -> Request:
    return f"{address(kind)}/holds", {"start": at(hour).isoformat()}, {}


def _rows(kind: type[Hold | Meeting]) -> int | None:
    return session().scalar(select(func.count()).select_from(kind))


def _held(kind: EventType, *, holder: str) -> str:
    token = new_token()
    with transaction():
        hold_time(event_type=kind, start=at(10), token=token, holder=holder)
    return token


@pytest.mark.usefixtures("app")
def test_one_time_is_held_by_exactly_one_guest(port: int) -> None:
    kind = event_type()
    answers = _all_at_once(port, [_hold(kind)] * GUESTS)
    assert Counter(status for status, _ in answers) == {201: 1, 409: GUESTS - 1}
    assert {document["code"] for status, document in answers if status == 409} == {"slot_taken"}
    assert (_rows(Hold), _rows(Meeting)) == (1, 1)


@pytest.mark.usefixtures("app")
def test_one_address_does_not_get_more_by_asking_for_many_at_once(port: int) -> None:
    kinds = [event_type() for _ in range(20)]
    answers = _all_at_once(port, [_hold(kind) for kind in kinds])
    most = settings().holds_per_address
    assert Counter(status for status, _ in answers) == {201: most, 429: len(kinds) - most}


@pytest.mark.usefixtures("app")
def test_nobody_gets_between_the_hold_and_its_booking(port: int) -> None:
    kind = event_type()
    token = _held(kind, holder="mine")
    mine: Request = (f"{address(kind)}/bookings", body(at(10), hold=token), {})
    theirs: Request = (f"{address(kind)}/bookings", body(at(10)), {})
    answers = _all_at_once(port, [theirs] * 20 + [mine] + [theirs] * 20 + [_hold(kind)] * 9)
    assert answers[20][0] == 201
    _exactly_one_booked(answers)


@pytest.mark.usefixtures("app")
def test_of_a_full_class_those_who_hold_a_seat_book_it_and_nobody_else(port: int) -> None:
    kind = group(20)
    tokens = [_held(kind, holder=str(number)) for number in range(20)]
    theirs: list[Request] = [(f"{address(kind)}/bookings", body(at(10), hold=token), {}) for token in tokens]
    strangers: list[Request] = [(f"{address(kind)}/bookings", body(at(10)), {})] * 20
    answers = _all_at_once(port, [*theirs, *strangers])
    assert [status for status, _ in answers] == [201] * 20 + [409] * 20
    assert session().scalars(select(Meeting.seats_taken)).all() == [20]
