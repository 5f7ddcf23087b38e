"""What the tests of scheduling share."""

from __future__ import annotations

import pytest

from webapp.core.events import DomainEvent, subscribe
from webapp.scheduling.events import BookingEvent

_heard: list[DomainEvent] = []
for _kind in BookingEvent.__subclasses__():
    subscribe(_kind, _heard.append)


@pytest.fixture
def heard() -> list[DomainEvent]:
    """What was published about bookings since the test began."""
    _heard.clear()
    return _heard
