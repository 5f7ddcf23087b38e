"""What the tests of scheduling share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from tests.factories import member
from tests.scheduling.pages import Visitor
from webapp.core import clock
from webapp.core.events import DomainEvent, subscribe
from webapp.identity.models import Membership
from webapp.scheduling.events import BookingEvent

_heard: list[DomainEvent] = []
for _kind in BookingEvent.__subclasses__():
    subscribe(_kind, _heard.append)


@pytest.fixture
def heard() -> list[DomainEvent]:
    """What was published about bookings since the test began."""
    _heard.clear()
    return _heard


@pytest.fixture
def host(app: Flask) -> Membership:
    """Who hosts what is booked."""
    return member()


@pytest.fixture
def visitor(app: Flask, host: Membership) -> Visitor:
    """The host at their browser, signed in."""
    return Visitor(app).sign_in(host)


Travel = Callable[[timedelta], None]


@pytest.fixture
def travel(request: pytest.FixtureRequest) -> Travel:
    """Let time pass for the application."""

    def pass_by(length: timedelta) -> None:
        traveller = time_machine.travel(clock.now() + length)
        traveller.start()
        request.addfinalizer(traveller.stop)

    return pass_by
