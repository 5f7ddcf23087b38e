"""From a request to its end: who hears what, what calendars are told, and what waits for when."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from jobs import approvals
from jobs.runtime import Postponed
from jobs.runtime.models import JobRun, RunState
from tests.conftest import Servers
from tests.factories import event_type, member
from tests.notifications.test_mails_to_a_team import work
from tests.scheduling.helpers import GUEST, at, booked
from webapp.core import clock
from webapp.core.db import session, transaction
from webapp.scheduling.models import Booking, BookingStatus, Side
from webapp.scheduling.service.approval import approve, decline
from webapp.scheduling.service.booking import cancel, reschedule


@pytest.fixture
def asked(app: Flask) -> Booking:
    """Something that Ada asks for in nine days; its reminder would wait for the day before."""
    host = member(email="host@example.com")
    booking = booked(event_type(of=host, requires_approval=True), at(10, days=9))
    work()
    return booking


def told(servers: Servers) -> dict[str, list[tuple[str, str | None]]]:
    """What each side was sent since it was last asked: the first word of the subject, and what calendars are to do."""
    work()
    mails: dict[str, list[tuple[str, str | None]]] = {}
    for message in servers.smtp.messages:
        calendars = [part.get_param("method") for part in message.walk() if part.get_content_type() == "text/calendar"]
        (to,) = (address.addr_spec for address in message["To"].addresses)
        first = str(message["Subject"]).strip().partition(":")[0]
        mails.setdefault(to, []).append((first, str(calendars[0]) if calendars else None))
    servers.smtp.forget()
    return mails


def waiting(name: str) -> list[JobRun]:
    session().rollback()
    return list(session().scalars(select(JobRun).where(JobRun.name == name, JobRun.state == RunState.WAITING)))


def test_both_sides_hear_of_a_request_and_no_calendar_does(asked: Booking, servers: Servers) -> None:
    assert told(servers) == {
        GUEST.email: [("Waiting for approval", None)],
        "host@example.com": [("Please approve", None)],
    }
    assert waiting("notifications.send_booking_reminder") == []
    (expiry,) = waiting("approvals.expire_booking_request")
    assert expiry.run_at == asked.starts_at


def test_once_approved_it_is_like_any_booking(asked: Booking, servers: Servers) -> None:
    servers.smtp.forget()
    with transaction():
        approve(booking=asked)
    assert told(servers) == {GUEST.email: [("Confirmed", "REQUEST")], "host@example.com": [("New booking", "REQUEST")]}
    (reminder,) = waiting("notifications.send_booking_reminder")
    assert reminder.arguments["sequence"] == asked.sequence
    assert waiting("approvals.expire_booking_request") == []


def test_who_moves_what_was_approved_hears_that_the_old_time_is_off_and_later_of_the_new_one(
    asked: Booking, servers: Servers
) -> None:
    with transaction():
        approve(booking=asked)
    told(servers)
    with transaction():
        reschedule(booking=asked, start=at(14, days=9))
    assert told(servers) == {
        GUEST.email: [("Waiting for approval", "CANCEL")],
        "host@example.com": [("Please approve", "CANCEL")],
    }
    assert waiting("notifications.send_booking_reminder") == []
    assert [run.run_at for run in waiting("approvals.expire_booking_request")] == [at(14, days=9)]
    with transaction():
        approve(booking=asked)
    assert told(servers) == {GUEST.email: [("Confirmed", "REQUEST")], "host@example.com": [("New booking", "REQUEST")]}
    assert len(waiting("notifications.send_booking_reminder")) == 1


def test_the_end_of_a_request_moves_and_dies_with_it(asked: Booking) -> None:
    with transaction():
        reschedule(booking=asked, start=at(14, days=9))
    work()
    assert [run.run_at for run in waiting("approvals.expire_booking_request")] == [at(14, days=9)]
    with transaction():
        cancel(booking=asked, by=Side.GUEST, reason="")
    work()
    assert waiting("approvals.expire_booking_request") == []


def test_declined_or_withdrawn_both_sides_hear_of_it_and_no_calendar_does(asked: Booking, servers: Servers) -> None:
    servers.smtp.forget()
    with transaction():
        decline(booking=asked, reason="")
    assert told(servers) == {GUEST.email: [("Declined", None)], "host@example.com": [("Declined", None)]}
    other = booked(asked.event_type, at(12, days=9))
    told(servers)
    with transaction():
        cancel(booking=other, by=Side.GUEST, reason="")
    assert told(servers) == {GUEST.email: [("Withdrawn", None)], "host@example.com": [("Withdrawn", None)]}


def test_nobody_answers_and_it_ends_by_itself_however_often_the_job_runs(asked: Booking, servers: Servers) -> None:
    servers.smtp.forget()
    with transaction():
        asked.starts_at = clock.now() - timedelta(minutes=1)
    for _ in range(2):
        with transaction():
            approvals.expire_booking_request(asked.id, 0)
    assert (asked.status, asked.declined_by) == (BookingStatus.DECLINED, None)
    assert told(servers) == {GUEST.email: [("Declined", None)], "host@example.com": [("Declined", None)]}


def test_a_clock_that_is_slow_only_puts_the_end_off(asked: Booking) -> None:
    with time_machine.travel(at(9, 59, days=9), tick=False), pytest.raises(Postponed) as early:
        approvals.expire_booking_request(asked.id, 0)
    assert early.value.seconds == 60
    session().refresh(asked)
    assert asked.is_pending
