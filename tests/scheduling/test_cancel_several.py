"""Several bookings that are cancelled together wait for all their hosts at once, and for nobody crosswise."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select

from tests.scheduling.helpers import GUEST, at, bearer, booked, in_days, until_somebody_waits
from tests.scheduling.test_teams import alone, people, together
from webapp.core.db import session, transaction
from webapp.identity.models import Membership, Scope
from webapp.scheduling.models import Booking, BookingStatus, EventType, Frequency, Side
from webapp.scheduling.queries import get_booking
from webapp.scheduling.service.booking import cancel
from webapp.scheduling.service.meetings import _lock_key, hosts_turn
from webapp.scheduling.service.out_of_office import AwayDetails, be_away
from webapp.scheduling.service.series import Recurrence, book_series, cancel_rest

_SCOPES = (Scope.AVAILABILITY_READ, Scope.BOOKINGS_READ, Scope.BOOKINGS_WRITE)


@pytest.fixture
def crossed(app: Flask) -> tuple[Membership, Membership, EventType]:
    """Who comes first in what two host together, and comes last where one waits for both; the other; and it."""
    while True:
        first, second = people(2)
        kind = together([first, second], series_most=3)
        if [host.id for host in kind.hosts] != [first.user_id, second.user_id]:
            first, second = second, first
        if _lock_key(second.user_id) < _lock_key(first.user_id):
            return first, second, kind


def series(kind: EventType) -> list[Booking]:
    weekly = Recurrence(frequency=Frequency.WEEKLY, count=3)
    with transaction():
        return book_series(event_type=kind, start=at(10), recurrence=weekly, guest=GUEST, answers={})


def elsewhere(app: Flask, do: Callable[[], Any]) -> Any:
    """Do it in a context of its own, as another request would."""
    with app.app_context(), transaction():
        return do()


def rest_cancelled(of: Booking) -> Callable[[], list[UUID]]:
    organization_id, booking_id = of.organization_id, of.id

    def call_off() -> list[UUID]:
        booking = get_booking(organization_id, booking_id)
        return [each.id for each in cancel_rest(booking=booking, by=Side.HOST, reason="")]

    return call_off


def statuses() -> list[BookingStatus]:
    session().rollback()
    return list(session().scalars(select(Booking.status).order_by(Booking.starts_at)))


def test_the_rest_of_a_series_waits_for_all_its_hosts_in_the_order_in_which_everybody_does(
    app: Flask, crossed: tuple[Membership, Membership, EventType]
) -> None:
    first, second, kind = crossed
    call_off = rest_cancelled(series(kind)[0])
    with ThreadPoolExecutor() as pool:
        with transaction(), hosts_turn([second.user_id]):  # as a booking of both does, in this order
            gone = pool.submit(elsewhere, app, call_off)
            until_somebody_waits()
            with hosts_turn([first.user_id]):
                pass
        assert len(gone.result(20)) == 3


def test_a_meeting_that_is_cancelled_meanwhile_leaves_the_others_to_be_cancelled(
    app: Flask, crossed: tuple[Membership, Membership, EventType]
) -> None:
    one, two, three = series(crossed[2])
    call_off = rest_cancelled(one)
    with ThreadPoolExecutor() as pool:
        with transaction():
            cancel(booking=two, by=Side.HOST, reason="")
            gone = pool.submit(elsewhere, app, call_off)
            until_somebody_waits()
        assert gone.result(20) == [one.id, three.id]
    assert statuses() == [BookingStatus.CANCELLED] * 3


def test_misfits_that_are_cancelled_at_once_wait_for_all_their_hosts(
    app: Flask, crossed: tuple[Membership, Membership, EventType]
) -> None:
    first, second, kind = crossed
    bookings = [booked(alone(first), at(10)), booked(kind, at(12)), booked(kind, at(14))]
    program = bearer(first, *_SCOPES)
    with transaction():
        details = AwayDetails(timezone="Europe/Berlin", first_day=in_days(2), last_day=in_days(2))
        be_away(organization_id=first.organization_id, host_id=first.user_id, details=details)
    with ThreadPoolExecutor() as pool:
        with transaction(), hosts_turn([second.user_id]):
            client = app.test_client()
            path = "/api/v1/availability/bookings"
            answer = pool.submit(lambda: client.post(path, json={"answer": "cancel", "all": True}, headers=program))
            until_somebody_waits()
            with hosts_turn([first.user_id]):
                cancel(booking=bookings[2], by=Side.GUEST, reason="")
        assert (answer.result(20).status_code, answer.result().get_json()["items"]) == (200, [])
    assert statuses() == [BookingStatus.CANCELLED] * 3
