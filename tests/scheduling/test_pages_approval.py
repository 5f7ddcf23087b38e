"""Requests as their guest and their host see them."""

from __future__ import annotations

from datetime import UTC

import pytest
from flask import Flask

from tests.factories import event_type, member
from tests.scheduling.helpers import at, booked
from tests.scheduling.pages import Visitor
from webapp.core.db import session, transaction
from webapp.identity.models import Membership, Role
from webapp.scheduling.models import EventType
from webapp.scheduling.service.approval import approve, decline
from webapp.scheduling.service.booking import manage_token, reschedule
from webapp.scheduling.views.picker import start_value


@pytest.fixture
def kind(host: Membership) -> EventType:
    return event_type(of=host, requires_approval=True)


def test_a_guest_asks_and_is_told_that_it_waits(app: Flask, kind: EventType) -> None:
    guest = Visitor(app)
    form = guest.open(f"/book/{kind.organization.slug}/{kind.slug}/confirm?start={start_value(at(10))}")
    assert "Ask for this time" in form.words
    sent = guest.send(form.form(), {"name": "Ada Lovelace", "email": "ada@example.com"})
    page = guest.follow(sent)
    assert "Waiting for approval" in page.words
    assert "Add it to your calendar" not in page.words
    link = page.link("Withdraw it").removesuffix("/cancel")
    guest.open(f"{link}/invite.ics", status=404)
    words = guest.follow(guest.send(guest.open(f"{link}/cancel").form("/cancel"))).words
    assert "This booking was cancelled" in words


def test_a_host_sees_what_waits_and_approves_it(app: Flask, host: Membership, kind: EventType) -> None:
    booking, visitor = booked(kind), Visitor(app).sign_in(host)
    today = visitor.open("/app")
    assert "request waits for your answer" in today.words
    listed = visitor.open(today.link("request waits"))
    page = visitor.open(listed.link("Ada Lovelace"))
    assert "Send the confirmation again" not in page.words
    form = page.form("/approve")
    words = visitor.follow(visitor.send(form)).words
    assert "The booking is confirmed" in words
    assert "confirmed already" in visitor.follow(visitor.send(form)).words
    assert "request waits" not in visitor.open("/app").words
    assert "Nothing to approve" in visitor.open("/app/bookings?when=pending").words
    manage = f"/manage/{manage_token(booking)}"
    assert "Add it to your calendar" in Visitor(app).open(manage).words
    assert Visitor(app).open(f"{manage}/invite.ics").answer.mimetype == "text/calendar"


def test_a_host_declines_and_the_guest_reads_why(app: Flask, host: Membership, kind: EventType) -> None:
    booking, visitor = booked(kind), Visitor(app).sign_in(host)
    form = visitor.open(f"/app/bookings/{booking.id}").form("/decline")
    visitor.send(form, {"decline_reason": "x" * 501}, status=422)
    words = visitor.follow(visitor.send(form, {"decline_reason": "Away that day"})).words
    assert "The request is declined" in words
    assert "Away that day" in words
    seen = Visitor(app).open(f"/manage/{manage_token(booking)}").words
    assert "Your request was declined" in seen
    assert "Away that day" in seen
    assert "has been declined" in visitor.follow(visitor.send(form)).words


def test_a_host_who_looks_at_a_time_that_the_guest_has_left_is_shown_the_new_one(
    app: Flask, host: Membership, kind: EventType
) -> None:
    booking, visitor = booked(kind, at(10)), Visitor(app).sign_in(host)
    address = f"/app/bookings/{booking.id}"
    looked_at = visitor.open(address)
    with transaction():
        reschedule(booking=booking, start=at(14))
    page = visitor.follow(visitor.send(looked_at.form("/approve")))
    assert "has moved this request" in page.words
    again = visitor.send(looked_at.form("/decline"), {"decline_reason": "Not at ten"}, status=409)
    for shown in (page, again):
        assert dict(shown.form("/approve").fields)["start"] == at(14).astimezone(UTC).isoformat()
        assert "To approve" in shown.words
    assert dict(again.form("/decline").fields)["decline_reason"] == "Not at ten"
    assert "The booking is confirmed" in visitor.follow(visitor.send(again.form("/approve"))).words
    session().refresh(booking)
    assert (booking.is_confirmed, booking.starts_at) == (True, at(14))


def test_nobody_else_answers(app: Flask, host: Membership, kind: EventType) -> None:
    booking = booked(kind)
    form = Visitor(app).sign_in(host).open(f"/app/bookings/{booking.id}").form("/approve")
    for other in (member(), member(of=host.organization, role=Role.MEMBER)):
        visitor = Visitor(app).sign_in(other)
        theirs = visitor.open("/app/event-types/new").form()
        for verb in ("approve", "decline"):
            theirs.action = form.action.replace("approve", verb)
            visitor.send(theirs, status=404)
            visitor.open(theirs.action, status=405)
    session().refresh(booking)
    assert booking.is_pending


def test_who_moves_an_approved_booking_is_warned_first(app: Flask, kind: EventType) -> None:
    booking = booked(kind, at(10))
    with transaction():
        approve(booking=booking)
    guest, address = Visitor(app), f"/manage/{manage_token(booking)}"
    page = guest.open(f"{address}/reschedule?start={start_value(at(14))}")
    assert "has to approve the new time" in page.words
    assert "is asked to approve it" in guest.follow(guest.send(page.form("/reschedule"))).words


def test_a_declined_request_cannot_be_moved_or_withdrawn(app: Flask, kind: EventType) -> None:
    booking = booked(kind, at(10))
    guest, address = Visitor(app), f"/manage/{manage_token(booking)}"
    forms = [guest.open(f"{address}/cancel").form("/cancel")]
    forms.append(guest.open(f"{address}/reschedule?start={start_value(at(14))}").form("/reschedule"))
    with transaction():
        decline(booking=booking, reason="")
    for form in forms:
        assert "Your request was declined" in guest.follow(guest.send(form)).words


def test_a_host_switches_approval_on(app: Flask, host: Membership) -> None:
    kind, visitor = event_type(of=host), Visitor(app).sign_in(host)
    page = visitor.open(f"/app/event-types/{kind.id}")
    visitor.send(page.form(), {"requires_approval": "y"})
    session().refresh(kind)
    assert kind.requires_approval
    visitor.send(visitor.open(f"/app/event-types/{kind.id}").form(), {"requires_approval": None})
    session().refresh(kind)
    assert not kind.requires_approval
