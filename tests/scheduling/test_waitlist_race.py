"""A hundred claims of one offer, cancellations in the same instant, jobs side by side: one time is awarded once."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select

from jobs.bookings import cleanup_expired_waitlist_entries, offer_what_is_free
from tests.scheduling.helpers import address, at, body, booked
from tests.scheduling.test_booking_race import Request, _all_at_once, port
from tests.scheduling.test_groups import group
from tests.scheduling.test_teams import in_turn, people
from tests.scheduling.waiting import bookable, cancelled, joined, statuses, work
from webapp.core.db import db, session, transaction
from webapp.scheduling.models import Booking, BookingStatus, Hold, Meeting
from webapp.scheduling.service.booking import manage_token
from webapp.scheduling.service.waitlist import waitlist_token

__all__ = ["port"]  # the fixture

pytestmark = pytest.mark.usefixtures("app")


def _standing() -> list[str]:
    session().rollback()
    return sorted(session().scalars(select(Booking.guest_name).where(Booking.status == BookingStatus.CONFIRMED)))


def test_one_offer_claimed_a_hundred_times_at_once_is_booked_once(port: int) -> None:
    kind = group(3, waitlist_enabled=True)
    seats = [booked(kind) for _ in range(3)]
    entry = joined(kind, "Bea")
    for seat in seats[:2]:
        cancelled(seat)
    work()
    claim: Request = (f"/api/v1/public/waitlist/{waitlist_token(entry)}/accept", {}, {})
    theirs: Request = (f"{address(kind)}/bookings", body(at(10)), {})
    answers = _all_at_once(port, [claim] * 100 + [theirs] * 20)
    assert Counter(status for status, _ in answers[:100]) == {201: 1, 409: 99}
    assert {document["code"] for status, document in answers[:100] if status == 409} == {"no_offer"}
    assert Counter(status for status, _ in answers[100:]) == {201: 1, 409: 19}
    assert _standing() == ["Ada Lovelace", "Ada Lovelace", "Bea"]
    assert session().scalars(select(Meeting.seats_taken)).all() == [3]


def test_two_cancellations_in_one_instant_are_offered_to_the_first_two(app: Flask, port: int) -> None:
    kind = group(5, waitlist_enabled=True)
    seats = [booked(kind) for _ in range(5)]
    line = [joined(kind, name) for name in ("Bea", "Cy", "Dee", "Eve")]
    calls: list[Request] = [(f"/api/v1/public/bookings/{manage_token(seat)}/cancel", {}, {}) for seat in seats[:2]]
    assert [status for status, _ in _all_at_once(port, calls)] == [200, 200]
    _side_by_side(app, kind.host_id)
    assert statuses(*line) == ["offered", "offered", "waiting", "waiting"]
    assert len(session().scalars(select(Hold)).all()) == 2
    assert session().scalars(select(Meeting.seats_taken)).all() == [5]


def test_no_passer_by_comes_between_a_cancellation_and_who_waits(port: int) -> None:
    kind = bookable()
    mine = booked(kind)
    entry = joined(kind, "Bea")
    theirs: Request = (f"{address(kind)}/bookings", body(at(10)), {})
    gone: Request = (f"/api/v1/public/bookings/{manage_token(mine)}/cancel", {}, {})
    answers = _all_at_once(port, [theirs] * 20 + [gone] + [theirs] * 20)
    assert Counter(status for status, _ in answers) == {200: 1, 409: 40}
    assert (statuses(entry), _standing()) == (["offered"], [])


def test_hosts_of_one_team_cancel_at_once_and_nobody_waits_for_anybody(port: int) -> None:
    kind = in_turn(people(4))
    with transaction():
        kind.waitlist_enabled = True
    seats = [booked(kind) for _ in range(4)]
    line = [joined(kind, name) for name in ("Bea", "Cy", "Dee", "Eve")]
    calls: list[Request] = [(f"/api/v1/public/bookings/{manage_token(seat)}/cancel", {}, {}) for seat in seats]
    assert [status for status, _ in _all_at_once(port, calls)] == [200] * 4
    assert statuses(*line) == ["offered"] * 4


def test_an_offer_that_is_taken_refused_and_left_in_one_instant_ends_in_one_way(port: int) -> None:
    kind = bookable()
    mine = booked(kind)
    entry, after = joined(kind, "Bea"), joined(kind, "Cy")
    cancelled(mine)
    work()
    place = f"/api/v1/public/waitlist/{waitlist_token(entry)}"
    calls: list[Request] = [(f"{place}/{how}", {}, {}) for how in ("accept", "refuse", "leave")]
    answers = _all_at_once(port, calls * 10)
    assert Counter(status < 300 for status, _ in answers) == {True: 1, False: 29}
    work()
    taken = statuses(entry)[0]
    assert statuses(after) == (["waiting"] if taken == "booked" else ["offered"])
    assert _standing() == (["Bea"] if taken == "booked" else [])


def _side_by_side(app: Flask, host_id: UUID) -> None:
    """Run the jobs that award, eight of them in the same instant."""
    ready = Barrier(8)

    def award(number: int) -> None:
        with app.app_context():
            ready.wait(20)
            if number % 2:
                cleanup_expired_waitlist_entries()
            else:
                offer_what_is_free([host_id])
            db.session.remove()

    with ThreadPoolExecutor(8) as workers:
        list(workers.map(award, range(8)))
