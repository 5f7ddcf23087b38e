"""Where several host one meeting, each of them hears of it once, and the guest hears of all of them."""

from __future__ import annotations

import pytest
from flask import Flask
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer

from jobs.runtime import carrier
from tests.conftest import Servers
from tests.factories import organization
from tests.notifications import samples
from tests.scheduling.helpers import at, booked
from tests.scheduling.test_teams import people, together
from webapp.core.db import transaction
from webapp.core.redis import jobs_redis
from webapp.identity.models import User
from webapp.scheduling import messages
from webapp.scheduling.models import BookingHost, Side
from webapp.scheduling.service.booking import cancel, reschedule


def work() -> None:
    """Let a worker do whatever stands in the queues."""
    redis = jobs_redis()
    queues = [Queue(name, connection=redis, serializer=JSONSerializer) for name in carrier.queue_names()]
    SimpleWorker(queues, connection=redis, serializer=JSONSerializer).work(burst=True, logging_level="WARNING")


@pytest.mark.usefixtures("app")
def test_every_host_is_told_of_the_booking_its_move_and_its_end(servers: Servers) -> None:
    hosts = people(3)
    everybody = sorted(["ada@example.com", *(host.user.email for host in hosts)])
    kind = together(hosts)
    booking = booked(kind, at(10))
    for change in (
        None,
        lambda: reschedule(booking=booking, start=at(14)),
        lambda: cancel(booking=booking, by=Side.GUEST, reason=""),
    ):
        servers.smtp.forget()
        if change:
            with transaction():
                change()
        work()
        told = [address.addr_spec for message in servers.smtp.messages for address in message["To"].addresses]
        assert sorted(told) == everybody


def test_the_guest_is_told_of_all_hosts_and_each_host_is_greeted_by_name(app: Flask) -> None:
    booking = samples.booking()
    other = User(id=organization().id, email="ben@north.example", name="Ben Cho", timezone="Asia/Seoul")
    booking.further_hosts = [BookingHost(host=other, host_id=other.id)]
    guests, first, second = (
        messages.confirmation_to_invitee(booking),
        messages.notification_to_organizer(booking),
        messages.notification_to_organizer(booking, host=other),
    )
    assert "Ada Berg and Ben Cho" in guests.subject
    assert (first.recipient.address, second.recipient.address) == ("ada@north.example", "ben@north.example")
    assert "Hello Ben Cho," in second.text
    assert "22:30" in second.text  # half past one in the afternoon in UTC, as clocks show it in Seoul
    assert first.idempotency_key != second.idempotency_key
    assert guests.calendar is not None
    assert guests.calendar.content.count("ATTENDEE") == 3
