"""The page of one booking: what the guest's link can do, and which mails were sent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from tests import factories
from tests.factories import event_type
from tests.scheduling.helpers import booked
from tests.scheduling.pages import Visitor
from webapp.core import clock
from webapp.core.db import transaction
from webapp.identity.models import Membership
from webapp.notifications.models import Delivery
from webapp.scheduling.models import Booking, EventType, Side
from webapp.scheduling.service.approval import decline
from webapp.scheduling.service.booking import cancel
from webapp.scheduling.views.sent import mail_words

TEMPLATES = Path(__file__).resolve().parents[2] / "templates" / "email"
CHANGES = "see, move and cancel"
LOOKS = "see this booking, but not change it"


def page_of(visitor: Visitor, booking: Booking) -> str:
    return visitor.open(f"/app/bookings/{booking.id}").words


def cancelled(kind: EventType) -> Booking:
    booking = booked(kind)
    with transaction():
        cancel(booking=booking, by=Side.HOST, reason="")
    return booking


def declined(kind: EventType) -> Booking:
    with transaction():
        kind.requires_approval = True
    booking = booked(kind)
    with transaction():
        decline(booking=booking, reason="")
    return booking


def past(kind: EventType) -> Booking:
    return factories.booking(of=kind, start=clock.now() - timedelta(days=1))


def test_the_link_of_a_booking_to_come_can_change_it(visitor: Visitor, host: Membership) -> None:
    words = page_of(visitor, booked(event_type(of=host)))
    assert CHANGES in words
    assert "It works until" in words
    assert "The next e-mail carries a new link." in words


@pytest.mark.parametrize("ended", [cancelled, declined, past])
def test_the_link_of_what_is_over_only_shows_it(
    visitor: Visitor, host: Membership, ended: Callable[[EventType], Booking]
) -> None:
    words = page_of(visitor, ended(event_type(of=host)))
    assert LOOKS in words
    assert CHANGES not in words
    assert "The next e-mail" not in words


@pytest.mark.parametrize(
    ("cancel_notice", "reschedule_notice", "says"),
    [(None, 0, "can see and move this booking"), (0, None, "can see and cancel this booking"), (None, None, LOOKS)],
)
def test_the_link_can_do_what_the_event_type_lets_guests_do(
    visitor: Visitor, host: Membership, cancel_notice: int | None, reschedule_notice: int | None, says: str
) -> None:
    kind = event_type(of=host, cancel_notice=cancel_notice, reschedule_notice=reschedule_notice)
    assert says in page_of(visitor, booked(kind))


@pytest.mark.parametrize("template", sorted(folder.name for folder in TEMPLATES.glob("booking_*")))
def test_every_mail_about_a_booking_is_named_in_words(app: Flask, template: str) -> None:
    with app.test_request_context():
        assert mail_words(Delivery(template=template, subject="")) != template
