"""Of many who decide over one request in the same instant, exactly one does."""

from __future__ import annotations

from collections import Counter

from flask import Flask
from sqlalchemy import select

from jobs.runtime.models import JobRun
from tests.factories import event_type
from tests.scheduling.helpers import at, bearer, booked
from tests.scheduling.test_booking_race import GUESTS, Request, _all_at_once, _request, port
from tests.scheduling.test_teams import people, together
from webapp.core.db import session
from webapp.scheduling.models import Booking, HostTime
from webapp.scheduling.service.booking import manage_token

__all__ = ["port"]  # a fixture


def test_two_hundred_guests_on_one_time_end_with_one_request(app: Flask, port: int) -> None:
    answers = _all_at_once(port, [_request(event_type(requires_approval=True), at(10))] * GUESTS)
    assert Counter(status for status, _ in answers) == {201: 1, 409: GUESTS - 1}
    assert [booking.status for booking in session().scalars(select(Booking))] == ["pending"]


def test_several_hosts_who_approve_at_once_confirm_once(app: Flask, port: int) -> None:
    hosts = people(4)
    booking = booked(together(hosts, requires_approval=True))
    approvals: list[Request] = [(f"/api/v1/bookings/{booking.id}/approve", {}, bearer(host)) for host in hosts]
    answers = _all_at_once(port, approvals * 5)
    assert Counter(status for status, _ in answers) == {200: 1, 409: 19}
    fanned_out = select(JobRun).where(JobRun.name == "bookings.process_booking_confirmation")
    assert len(session().scalars(fanned_out).all()) == 1


def test_approved_declined_and_withdrawn_at_once_it_ends_in_one_way(app: Flask, port: int) -> None:
    hosts = people(2)
    booking = booked(together(hosts, requires_approval=True))
    verbs = [f"/api/v1/bookings/{booking.id}/{verb}" for verb in ("approve", "decline")]
    requests: list[Request] = []
    for path, host in zip(verbs, hosts, strict=True):
        requests += [(path, {}, bearer(host))] * 7
    requests += [(f"/api/v1/public/bookings/{manage_token(booking)}/cancel", {}, {})] * 6
    answers = _all_at_once(port, requests)
    session().refresh(booking)
    won = Counter(document["status"] for status, document in answers if status == 200)
    # What was approved can still be cancelled; what was declined or withdrawn can not be anything else.
    assert won in ({"confirmed": 1, "cancelled": 1}, {"confirmed": 1}, {"declined": 1}, {"cancelled": 1})
    assert booking.status in won
    assert booking.sequence == won.total()
    assert len(session().scalars(select(HostTime)).all()) == (2 if booking.is_confirmed else 0)
