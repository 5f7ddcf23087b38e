"""Whoever changes when they can be booked sees which bookings no longer fit, and says what becomes of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import bookings, event_type, member, schedule
from tests.scheduling.helpers import GUEST, at, bearer, body, booked, counted_queries, in_days, refused
from tests.scheduling.pages import Visitor
from tests.scheduling.test_teams import hours_of, in_turn
from webapp.core.db import session, transaction
from webapp.identity.models import Membership, Role, Scope
from webapp.scheduling.models import Booking, BookingStatus, EventKind, EventType, Side
from webapp.scheduling.queries import get_booking
from webapp.scheduling.service import impact
from webapp.scheduling.service.blocks import BlockDetails, block_time
from webapp.scheduling.service.booking import book, reschedule
from webapp.scheduling.service.impact import Answer, Cause, answer_misfit, misfits
from webapp.scheduling.service.out_of_office import AwayDetails, be_away
from webapp.scheduling.service.schedules import set_override

PAGE = "/app/availability/bookings"
API = "/api/v1/availability/bookings"
NOTHING = {"items": [], "more": False}
SCOPES = (Scope.AVAILABILITY_READ, Scope.AVAILABILITY_WRITE, Scope.BOOKINGS_READ, Scope.BOOKINGS_WRITE)


@pytest.fixture
def kind(host: Membership) -> EventType:
    return event_type(of=host, on=schedule(of=host), limit_per_day=5, minimum_notice=60, horizon_days=5)


def found(host: Membership) -> list[tuple[Booking, Cause]]:
    session().rollback()
    session().expire_all()
    rows = misfits(organization_id=host.organization_id, host_id=host.user_id)
    return [(row.booking, row.cause) for row in rows.items]


def host_books(kind: EventType, start: datetime) -> Booking:
    with transaction():
        return book(event_type=kind, start=start, guest=GUEST, answers={}, by=Side.HOST, outside_rules=True)


def block(host: Membership, hour: int, *, day: int = 2) -> None:
    with transaction():
        details = BlockDetails(timezone="UTC", starts_at=at(hour, days=day), ends_at=at(hour + 1, days=day))
        block_time(organization_id=host.organization_id, host_id=host.user_id, details=details)


def away(host: Membership, day: int) -> None:
    with transaction():
        details = AwayDetails(timezone="Europe/Berlin", first_day=in_days(day), last_day=in_days(day))
        be_away(organization_id=host.organization_id, host_id=host.user_id, details=details)


def test_what_still_fits_is_not_listed_however_soon_late_or_crowded(host: Membership, kind: EventType) -> None:
    starts = [at(9, days=day) + timedelta(minutes=30 * number) for day in (1, 30) for number in range(12)]
    bookings(of=kind, starts=[*starts, at(16, 10)])  # more than the limit, past the horizon, off the grid
    assert found(host) == []


def test_each_kind_of_change_lists_what_it_leaves_out(host: Membership, kind: EventType) -> None:
    ten, noon, later, last = bookings(of=kind, starts=[at(10), at(12), at(10, days=3), at(10, days=4)])
    with transaction():
        set_override(schedule=kind.schedule, day=in_days(2), ranges=[(11 * 60, 17 * 60)])
    assert found(host) == [(ten, Cause.HOURS)]
    block(host, 12)
    away(host, 3)
    assert found(host) == [(ten, Cause.HOURS), (noon, Cause.BLOCKED), (later, Cause.AWAY)]
    assert last.is_confirmed


def test_a_booking_that_is_kept_is_listed_again_only_once_it_has_moved(host: Membership, kind: EventType) -> None:
    booking = booked(kind, at(10))
    block(host, 10)
    with transaction():
        answer_misfit(booking=booking, start=booking.starts_at, answer=Answer.KEEP)
    assert found(host) == []
    with transaction():
        reschedule(booking=booking, start=at(13))
    block(host, 13)
    assert found(host) == [(booking, Cause.BLOCKED)]


@pytest.mark.parametrize("answer", Answer)
def test_one_that_its_guest_moves_meanwhile_is_left_alone(
    app: Flask, host: Membership, kind: EventType, answer: Answer
) -> None:
    booking = booked(kind, at(10))
    block(host, 10)
    assert found(host) == [(booking, Cause.BLOCKED)]
    with app.app_context(), transaction():
        reschedule(booking=session().get_one(Booking, booking.id), start=at(13))
    with transaction():
        assert not answer_misfit(booking=booking, start=at(10), answer=answer, reason="Trade fair")
    assert (booking.starts_at, booking.is_confirmed) == (at(13), True)
    assert (booking.kept_start, booking.move_asked_at) == (None, None)


class TestBookedOutsideTheRules:
    """A host who books or moves outside the rules was warned of it, and is not asked about it once more."""

    def test_it_fits_since_the_host_said_so(self, host: Membership, kind: EventType) -> None:
        block(host, 12)
        for start in (at(22), at(12)):
            host_books(kind, start)
        moving = booked(kind, at(14))
        with transaction():
            reschedule(booking=moving, start=at(5), by=Side.HOST, outside_rules=True)
        assert found(host) == []
        with transaction():
            reschedule(booking=moving, start=at(14))
        block(host, 14)
        assert found(host) == [(moving, Cause.BLOCKED)]

    def test_for_a_program(self, client: FlaskClient, host: Membership, kind: EventType) -> None:
        sent = body(at(23), event_type_id=str(kind.id), outside_rules=True)
        program = bearer(host, *SCOPES)
        assert client.post("/api/v1/bookings", json=sent, headers=program).status_code == 201
        assert client.get(API, headers=program).get_json() == NOTHING

    def test_what_was_in_the_hosts_time_is_asked_about_once_it_is_not(self, host: Membership, kind: EventType) -> None:
        booking = host_books(kind, at(10, 10))  # on no grid, which nobody asks about
        assert found(host) == []
        block(host, 10)
        assert found(host) == [(booking, Cause.BLOCKED)]

    def test_who_joins_the_meeting_is_not_asked_about_either(self, host: Membership) -> None:
        kind = event_type(of=host, on=schedule(of=host), kind=EventKind.GROUP, seats=4)
        host_books(kind, at(20))
        booked(kind, at(20))
        moving = booked(kind, at(10))
        with transaction():
            reschedule(booking=moving, start=at(20))
        assert found(host) == []

    def test_of_a_team_it_is_the_time_of_who_hosts_that_counts(self, host: Membership) -> None:
        full, late = host, member(of=host.organization)
        for each in (full, late):
            schedule(of=each)
        kind = in_turn([full, late], 2, 1, limit_per_day=1)
        hours_of(late, (12 * 60, 17 * 60))
        for start in (at(9), at(12)):
            booked(kind, start)  # one for each
        assert host_books(kind, at(10)).host_id == late.user_id
        assert (found(full), found(late)) == ([], [])


def test_a_stand_ins_bookings_are_judged_by_the_stand_ins_own_time(host: Membership, kind: EventType) -> None:
    deputy = member(of=host.organization, role=Role.MEMBER)
    schedule(of=deputy)
    with transaction():
        details = AwayDetails(timezone="UTC", first_day=in_days(2), last_day=in_days(2), stand_in_id=deputy.user_id)
        be_away(organization_id=host.organization_id, host_id=host.user_id, details=details)
    booking = booked(kind, at(10))
    assert (found(host), found(deputy)) == ([], [])
    block(deputy, 10)
    assert (found(host), found(deputy)) == ([], [(booking, Cause.BLOCKED)])


def test_a_change_on_the_page_leads_to_what_no_longer_fits(app: Flask, host: Membership, kind: EventType) -> None:
    first, second, third = (booked(kind, at(hour)) for hour in (10, 11, 12))
    visitor = Visitor(app).sign_in(host)
    typed = {"first_day": in_days(2).isoformat(), "last_day": in_days(2).isoformat()}
    answer = visitor.send(visitor.open("/app/availability/days-off").form("/days-off"), typed)
    assert answer.answer.headers["Location"] == PAGE
    page = visitor.follow(answer)
    assert "3 bookings no longer fit" in page.words
    assert "You are away" in page.words
    page = visitor.follow(visitor.send(page.form("/bookings"), {"booking": str(first.id)}, button="keep"))
    assert "1 booking is kept" in page.words
    page = visitor.follow(visitor.send(page.form("/bookings"), {"booking": str(second.id)}, button="move"))
    assert "1 guest is being asked" in page.words
    assert "Asked to move on" in page.words
    typed = {"booking": str(third.id), "reason": "I am ill"}
    page = visitor.follow(visitor.send(page.form("/bookings"), typed, button="cancel"))
    assert "1 booking is cancelled" in page.words
    session().expire_all()
    kept, asked, gone = (get_booking(host.organization_id, each.id) for each in (first, second, third))
    assert (kept.status, kept.starts_at, gone.status, gone.cancel_reason) == (
        BookingStatus.CONFIRMED, at(10), BookingStatus.CANCELLED, "I am ill",
    )  # fmt: skip
    assert asked.is_confirmed
    assert [booking.id for booking, _cause in found(host)] == [second.id]


def test_all_at_once(app: Flask, host: Membership, kind: EventType) -> None:
    for hour in (10, 11):
        booked(kind, at(hour))
    away(host, 2)
    visitor = Visitor(app).sign_in(host)
    page = visitor.follow(visitor.send(visitor.open(PAGE).form("/bookings"), button="cancel"))
    assert "2 bookings are cancelled" in page.words
    assert "Everything fits" in page.words


@pytest.mark.parametrize(
    ("typed", "words"),
    [({"answer": "fly"}, "Please say what to do"), ({"answer": "keep", "booking": None}, "Please choose at least one")],
)
def test_nothing_happens_without_an_answer_and_a_booking(
    app: Flask, host: Membership, kind: EventType, typed: dict[str, str | None], words: str
) -> None:
    booked(kind, at(10))
    away(host, 2)
    visitor = Visitor(app).sign_in(host)
    assert words in visitor.follow(visitor.send(visitor.open(PAGE).form("/bookings"), typed)).words
    assert len(found(host)) == 1


def test_nobody_decides_about_bookings_of_others(app: Flask, host: Membership, kind: EventType) -> None:
    booking = booked(kind, at(10))
    away(host, 2)
    other = member(of=host.organization)
    theirs = booked(event_type(of=other, on=schedule(of=other)), at(10))
    away(other, 2)
    visitor = Visitor(app).sign_in(other)
    form = visitor.open(PAGE).form("/bookings")
    visitor.send(form, {"booking": str(booking.id)}, button="cancel")
    session().expire_all()
    assert get_booking(host.organization_id, booking.id).is_confirmed
    assert get_booking(host.organization_id, theirs.id).is_confirmed


def test_many_bookings_cost_no_more_queries_than_one(host: Membership, kind: EventType) -> None:
    away(host, 3)
    bookings(of=kind, starts=[at(9, days=3)])
    session().expire_all()
    with counted_queries() as with_one:
        misfits(organization_id=host.organization_id, host_id=host.user_id)
    bookings(of=kind, starts=[at(9, days=day) for day in range(4, 60)])
    other = event_type(of=host, on=schedule(of=host))
    bookings(of=other, starts=[at(12, days=day) for day in range(4, 60)])
    session().expire_all()
    with counted_queries() as with_many:
        misfits(organization_id=host.organization_id, host_id=host.user_id)
    assert len(with_one) == len(with_many)


def test_programs_see_what_no_longer_fits_and_answer(client: FlaskClient, host: Membership, kind: EventType) -> None:
    bookings_made = [booked(kind, at(hour)) for hour in (10, 11, 12)]
    away(host, 2)
    headers = bearer(host, Scope.AVAILABILITY_READ, Scope.BOOKINGS_READ, Scope.BOOKINGS_WRITE)
    items = client.get(API, headers=headers).get_json()["items"]
    assert [(item["booking"]["id"], item["cause"]) for item in items] == [
        (str(booking.id), "away") for booking in bookings_made
    ]
    one = {"answer": "keep", "booking_ids": [str(bookings_made[0].id)]}
    assert len(client.post(API, json=one, headers=headers).get_json()["items"]) == 2
    everything = {"answer": "cancel", "reason": "Ill", "all": True}
    assert client.post(API, json=everything, headers=headers).get_json() == NOTHING
    session().expire_all()
    states = [get_booking(host.organization_id, each.id).is_confirmed for each in bookings_made]
    assert states == [True, False, False]
    refused(client.post(API, json={"answer": "fly", "all": True}, headers=headers), 422, "invalid", "answer")
    refused(client.post(API, json=one, headers=bearer(host, Scope.AVAILABILITY_READ)), 403, "insufficient_scope")
    assert client.get(API, headers=bearer(member(), *Scope)).get_json() == NOTHING
    assert client.put(API, headers=headers).status_code == 405


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({}, "booking_ids"),
        ({"bookings": []}, "bookings"),
        ({"booking_id": []}, "booking_id"),
        ({"booking_ids": None}, "booking_ids"),
        ({"all": False}, "booking_ids"),
        ({"all": True, "booking_ids": []}, "booking_ids"),
        ({"all": "yes"}, "all"),
        ({"all": True, "raeson": "Ill"}, "raeson"),
    ],
)
def test_programs_answer_for_all_of_them_only_where_they_say_so(
    client: FlaskClient, host: Membership, kind: EventType, said: dict[str, Any], field: str
) -> None:
    booked(kind, at(10))
    away(host, 2)
    refused(client.post(API, json={"answer": "cancel"} | said, headers=bearer(host, *SCOPES)), 422, "invalid", field)
    assert len(found(host)) == 1


def test_who_manages_the_organisation_sees_and_settles_what_a_colleague_leaves_out(
    client: FlaskClient, host: Membership, kind: EventType
) -> None:
    booking = booked(kind, at(10))
    manager = member(of=host.organization, role=Role.ADMIN)
    program = bearer(manager, *SCOPES)
    path = f"/api/v1/schedules/{kind.schedule_id}/days/{in_days(2)}"
    assert client.put(path, json={"ranges": []}, headers=program).status_code == 200
    theirs = {"host_id": str(host.user_id)}
    assert client.get(API, headers=program).get_json() == NOTHING
    (item,) = client.get(API, query_string=theirs, headers=program).get_json()["items"]
    assert (item["booking"]["id"], item["cause"]) == (str(booking.id), "hours")
    assert client.post(API, json={"answer": "cancel", "all": True}, headers=program).get_json() == NOTHING
    assert len(found(host)) == 1
    assert client.post(API, json={"answer": "cancel", "all": True} | theirs, headers=program).get_json() == NOTHING
    assert found(host) == []


def test_nobody_else_asks_for_a_colleagues(client: FlaskClient, host: Membership, kind: EventType) -> None:
    booked(kind, at(10))
    away(host, 2)
    theirs = {"host_id": str(host.user_id)}
    for other in (member(of=host.organization, role=Role.MEMBER), member()):
        program = bearer(other, *SCOPES)
        refused(client.get(API, query_string=theirs, headers=program), 404, "not_found")
        refused(client.post(API, json={"answer": "cancel", "all": True} | theirs, headers=program), 404, "not_found")
    own = bearer(host, *SCOPES)
    assert len(client.get(API, query_string=theirs, headers=own).get_json()["items"]) == 1
    refused(client.get(API, query_string={"host_id": "x"}, headers=own), 422, "invalid", "host_id")


def test_of_many_that_do_not_fit_the_first_are_shown_and_that_there_are_more(
    app: Flask, client: FlaskClient, host: Membership, kind: EventType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(impact, "MOST_MISFITS", 2)
    monkeypatch.setattr(impact, "BOOKINGS_AT_ONCE", 3)
    fitting = [at(9, days=1) + timedelta(minutes=30 * number) for number in range(5)]
    late = bookings(of=kind, starts=[*fitting, *(at(18, days=day) for day in (2, 3, 4))])[5:]
    program = bearer(host, *SCOPES)
    shown = client.get(API, headers=program).get_json()
    first, second, third = (str(booking.id) for booking in late)
    assert ([item["booking"]["id"] for item in shown["items"]], shown["more"]) == ([first, second], True)
    page = Visitor(app).sign_in(host).open(PAGE)
    assert "These are the first 2; the others follow once these are answered." in page.words
    left = client.post(API, json={"answer": "keep", "all": True}, headers=program).get_json()
    assert ([item["booking"]["id"] for item in left["items"]], left["more"]) == ([third], False)
