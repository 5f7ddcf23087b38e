"""A guest is reminded once, ahead of the meeting, of the booking as it stands; and of nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select

from jobs import notifications
from jobs.runtime.models import JobRun
from tests import factories
from tests.conftest import Servers
from tests.factories import event_type
from tests.notifications.test_mails_to_a_team import work
from tests.scheduling.helpers import GUEST, at, booked
from tests.scheduling.test_attendees import to
from webapp.core import clock
from webapp.core.db import session, transaction
from webapp.core.settings import settings
from webapp.scheduling.models import Booking, Side
from webapp.scheduling.service.booking import cancel, reschedule

pytestmark = pytest.mark.usefixtures("app")


def ahead() -> timedelta:
    return timedelta(hours=settings().reminder_hours)


def booking_in(time: timedelta) -> Booking:
    return factories.booking(of=event_type(), start=clock.now() + time, guest_email=GUEST.email)


def scheduled(booking: Booking, sequence: int = 0) -> list[datetime]:
    """When the guest is to be reminded, once that is seen to."""
    with transaction():
        notifications.schedule_booking_reminder(booking.id, sequence)
    return list(session().scalars(select(JobRun.run_at).filter_by(name="notifications.send_booking_reminder")))


def off(booking: Booking) -> int:
    with transaction():
        return cancel(booking=booking, by=Side.HOST, reason="").sequence


def moved(booking: Booking) -> int:
    """Move it, and return the sequence that it had before."""
    with transaction():
        reschedule(booking=booking, start=at(14, days=20))
    return 0


def test_the_guest_is_reminded_so_long_before_the_start() -> None:
    booking = booking_in(ahead() + timedelta(minutes=1))
    assert scheduled(booking) == [booking.starts_at - ahead()]


def test_a_booking_nearer_than_its_reminder_has_none(servers: Servers) -> None:
    assert scheduled(booking_in(ahead() - timedelta(seconds=1))) == []
    assert scheduled(booking_in(timedelta(minutes=5))) == []
    work()
    assert to(servers, GUEST.email) == []


@pytest.mark.parametrize("change", [off, moved])
def test_no_reminder_is_made_of_what_was_cancelled_or_has_moved_on(change: Callable[[Booking], int]) -> None:
    booking = booked(event_type(), at(10, days=20))
    assert scheduled(booking, change(booking)) == []


def test_the_reminder_goes_out_while_nothing_has_changed(servers: Servers) -> None:
    booking = booking_in(timedelta(hours=1))
    notifications.send_booking_reminder(booking.id, 0)
    assert len(to(servers, GUEST.email)) == 1


@pytest.mark.parametrize("change", [off, moved])
def test_what_is_cancelled_or_moved_while_a_worker_has_the_reminder_is_not_reminded_of(
    servers: Servers, change: Callable[[Booking], int]
) -> None:
    booking = booked(event_type(), at(10, days=20))
    notifications.send_booking_reminder(booking.id, change(booking))
    assert to(servers, GUEST.email) == []


def test_nobody_is_reminded_of_what_has_begun(servers: Servers) -> None:
    booking = booking_in(timedelta(hours=1))
    with time_machine.travel(booking.starts_at, tick=False):
        notifications.send_booking_reminder(booking.id, 0)
    assert to(servers, GUEST.email) == []
