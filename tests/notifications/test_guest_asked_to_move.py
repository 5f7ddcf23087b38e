"""A guest whose host asks for another time gets one mail for each time that it was asked."""

from __future__ import annotations

from datetime import datetime
from email.message import EmailMessage

from flask import Flask

from jobs.bookings import send_move_request_to_invitee
from tests.conftest import Servers
from tests.factories import event_type
from tests.scheduling.helpers import at, booked
from webapp.core.db import transaction
from webapp.scheduling.models import Booking
from webapp.scheduling.service.booking import manage_url, reschedule
from webapp.scheduling.service.impact import Answer, answer_misfit


def asked(booking: Booking) -> Booking:
    with transaction():
        answer_misfit(booking=booking, start=booking.starts_at, answer=Answer.MOVE)
    return booking


def asked_at(booking: Booking) -> datetime:
    assert booking.move_asked_at
    return booking.move_asked_at


def requests(servers: Servers) -> list[EmailMessage]:
    return [mail for mail in servers.smtp.to("ada@example.com") if "choose another time" in mail["Subject"]]


def test_the_mail_leads_to_the_times_that_are_free(app: Flask, servers: Servers) -> None:
    booking = asked(booked(event_type()))
    for _ in range(2):  # a job may run twice
        send_move_request_to_invitee(booking.id, asked_at(booking))
    (mail,) = requests(servers)
    part = mail.get_body(("plain",))
    assert part is not None
    assert f"{manage_url(booking)}/reschedule" in part.get_content()
    asked(booking)
    send_move_request_to_invitee(booking.id, asked_at(booking))
    assert len(requests(servers)) == 2


def test_who_has_moved_meanwhile_is_not_asked(app: Flask, servers: Servers) -> None:
    booking = asked(booked(event_type()))
    earlier = asked_at(booking)
    with transaction():
        reschedule(booking=booking, start=at(12))
    send_move_request_to_invitee(booking.id, earlier)
    assert requests(servers) == []
