"""A host at the pages where bookings are made for guests and moved."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from tests.factories import event_type, member
from tests.scheduling.helpers import at, booked
from tests.scheduling.pages import Visitor
from webapp.core.db import session, transaction
from webapp.identity.models import Membership, Role
from webapp.scheduling.models import Booking, EventType
from webapp.scheduling.service.blocks import BlockDetails, block_time
from webapp.scheduling.views.picker import start_value

WHO = {"name": "Mara Okafor", "email": "mara@example.org", "guest_timezone": "Africa/Lagos"}


@pytest.fixture
def kind(host: Membership) -> EventType:
    return event_type(of=host, name="Portrait")


def only_booking() -> Booking:
    session().rollback()
    return session().scalars(select(Booking).execution_options(populate_existing=True)).one()


def test_a_host_books_a_time_on_offer_for_a_guest(visitor: Visitor, kind: EventType) -> None:
    chosen = visitor.open(visitor.open("/app/bookings").link("Book for a guest"))
    picker = visitor.open(chosen.link("Portrait"))
    slot = next(href for href, _ in picker.links if "start=" in href)
    form = visitor.open(slot)
    assert "not on offer" not in form.words
    visitor.send(form.form(), {**WHO, "email": "nonsense", "guest_timezone": "Nowhere"}, status=422)
    sent = visitor.send(form.form(), WHO)
    assert "Mara Okafor is being told" in visitor.follow(sent).words
    visitor.send(form.form(), WHO)  # pressed twice
    booking = only_booking()
    assert (booking.guest_name, booking.guest_timezone, booking.host_id) == (
        "Mara Okafor",
        "Africa/Lagos",
        kind.host_id,
    )


def test_outside_the_rules_the_page_warns_first_and_then_does_it(visitor: Visitor, kind: EventType) -> None:
    asked = f"/app/bookings/new/{kind.id}?on={at(20).date()}&at=20:10&timezone=Europe/Berlin"
    page = visitor.open(asked)
    assert "This time is not on offer" in page.words
    assert "outside the working hours" in page.words
    unwarned = visitor.send(page.form(), {**WHO, "outside_rules": None}, status=422)
    assert "outside the working hours" in unwarned.words
    visitor.send(unwarned.form(), WHO)
    assert only_booking().starts_at == at(20, 10)


def test_a_host_is_warned_of_a_block_and_squeezes_a_guest_in(visitor: Visitor, kind: EventType) -> None:
    lunch = BlockDetails(timezone="Europe/Berlin", starts_at=at(12), ends_at=at(13))
    with transaction():
        block_time(organization_id=kind.organization_id, host_id=kind.host_id, details=lunch)
    page = visitor.open(f"/app/bookings/new/{kind.id}?start={start_value(at(12, 30))}")
    assert "It is blocked, or on days out of office" in page.words
    unwarned = visitor.send(page.form(), {**WHO, "outside_rules": None}, status=409)
    visitor.send(unwarned.form(), WHO)
    assert only_booking().starts_at == at(12, 30)


def test_where_another_meeting_takes_place_there_is_no_way_past(visitor: Visitor, kind: EventType) -> None:
    booked(kind, at(10))
    page = visitor.open(f"/app/bookings/new/{kind.id}?start={start_value(at(10))}", status=409)
    assert "Another meeting takes place at this time" in page.words
    form = page.form()
    visitor.send(form, {**WHO, "start": start_value(at(10)), "outside_rules": "yes"}, status=409)
    assert only_booking().guest_name == "Ada Lovelace"
    visitor.send(form, {**WHO, "start": None})  # nothing chosen


def test_where_a_break_is_kept_the_page_says_so(visitor: Visitor, host: Membership) -> None:
    kind = event_type(of=host, buffer_before=30, buffer_after=30)
    booked(kind, at(10))
    moving = booked(kind, at(14))
    for address in (f"/app/bookings/new/{kind.id}", f"/app/bookings/{moving.id}/reschedule"):
        page = visitor.open(f"{address}?start={start_value(at(10, 45))}", status=409)
        assert "the break that is kept before or after one" in page.words


def test_a_host_moves_a_booking_to_a_time_on_offer(visitor: Visitor, kind: EventType) -> None:
    booking = booked(kind, at(10))
    picker = visitor.open(visitor.open(f"/app/bookings/{booking.id}").link("Move it"))
    address = f"/app/bookings/{booking.id}/reschedule"
    assert any("start=" in href and href.startswith(address) for href, _ in picker.links)
    form = visitor.open(f"{address}?start={start_value(at(14))}").form("/reschedule")
    assert "has been moved" in visitor.follow(visitor.send(form)).words
    assert only_booking().starts_at == at(14)
    assert "already at this time" in visitor.follow(visitor.send(form)).words


def test_a_move_outside_the_rules_is_warned_of_and_one_onto_a_meeting_refused(
    visitor: Visitor, kind: EventType
) -> None:
    booking = booked(kind, at(10))
    address = f"/app/bookings/{booking.id}/reschedule"
    page = visitor.open(f"{address}?on={at(7).date()}&at=07:00&timezone=Europe/Berlin")
    assert "outside the working hours" in page.words
    form = page.form("/reschedule")
    visitor.send(form, {"outside_rules": None}, status=422)
    visitor.send(form)
    assert only_booking().starts_at == at(7)
    other = booked(kind, at(12))
    page = visitor.open(f"/app/bookings/{other.id}/reschedule?start={start_value(at(7))}", status=409)
    assert "Another meeting takes place at this time" in page.words
    visitor.send(page.form("/reschedule"), {"start": start_value(at(7)), "outside_rules": "yes"}, status=409)
    visitor.send(page.form("/reschedule"), {"start": None})


@pytest.mark.parametrize("query", ["on=x&at=y", "on=2026-11-24", "on=9999-12-31&at=23:59", "start=nonsense"])
def test_a_time_that_makes_no_sense_shows_the_calendar(visitor: Visitor, kind: EventType, query: str) -> None:
    assert "Another time" in visitor.open(f"/app/bookings/new/{kind.id}?{query}").words


def test_a_time_long_ago_or_far_ahead_is_refused(visitor: Visitor, kind: EventType) -> None:
    long_ago, far_ahead = (
        visitor.open(f"/app/bookings/new/{kind.id}?on={on}&at=10:00", status=422) for on in ("2001-01-01", "2190-01-01")
    )
    assert "The next free times" in long_ago.words
    assert "E-mail address" not in far_ahead.words  # nothing to fill in for nothing
    assert far_ahead.link("Choose another time")


def test_nobody_else_books_or_moves(app: Flask, host: Membership, kind: EventType) -> None:
    booking = booked(kind)
    paths = (f"/app/bookings/new/{kind.id}", f"/app/bookings/{booking.id}/reschedule")
    for other in (member(), member(of=host.organization, role=Role.MEMBER)):
        visitor = Visitor(app).sign_in(other)
        form = visitor.open("/app/event-types/new").form()
        for path in paths:
            visitor.open(path, status=404)
            form.action = path
            visitor.send(form, status=404)
    stranger = Visitor(app)
    for path in ("/app/bookings/new", *paths):
        assert "/sign-in" in stranger.open(path, status=303).answer.headers["Location"]
    assert only_booking().sequence == 0


def test_who_offers_nothing_is_led_to_the_event_types(visitor: Visitor) -> None:
    assert visitor.open("/app/bookings/new").link("Event types") == "/app/event-types"
