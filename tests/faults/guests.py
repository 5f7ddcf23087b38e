"""Guests who book by the public API and do not give up; and whether each has heard of their booking exactly once."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException
from itertools import count
from typing import Any, Self

from devserver.servers import HOST
from tests.faults.harness import PATIENCE_SECONDS, Installation
from tests.faults.mailserver import Mailing

ZONE = "Europe/Berlin"
NO_ANSWER = 0
AGAIN_SECONDS = 0.1

_numbers = count(1)


@dataclass(frozen=True)
class Answer:
    """What a request was answered, and after how many seconds; status 0 when the connection broke."""

    status: int
    seconds: float
    body: dict[str, Any] = field(default_factory=dict)


@dataclass
class Guest:
    """Somebody who wants one meeting at `start`, and asks with one Idempotency-Key until told yes or no."""

    email: str
    start: str
    answers: list[Answer] = field(default_factory=list)

    @property
    def booking(self) -> dict[str, Any] | None:
        last = self.answers[-1] if self.answers else None
        return last.body if last and last.status == 201 else None

    def book(self, installation: Installation) -> None:
        """Ask until there is an answer that is worth something, or patience ends."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        body = {"start": self.start, "timezone": ZONE, "invitee": {"name": "Grace Hopper", "email": self.email}}
        path = f"{event_type_path(installation)}/bookings"
        while time.monotonic() < deadline:
            self.answers.append(ask(installation, "POST", path, body, key=self.email))
            if self.answers[-1].status not in {NO_ANSWER, 503}:
                return
            time.sleep(AGAIN_SECONDS)


class Visit:
    """Guests who book one after another, on `lines` lines at once, while other things happen; begins at once."""

    def __init__(self, installation: Installation, guests: int, *, lines: int = 2) -> None:
        self._installation = installation
        self.guests = [
            Guest(f"guest-{next(_numbers)}@example.com", start) for start in free_starts(installation, guests)
        ]
        self._coming = deque(self.guests)
        self._threads = [threading.Thread(target=self._queue_up, daemon=True) for _ in range(lines)]
        for thread in self._threads:
            thread.start()

    def wait_for_bookings(self, number: int) -> None:
        """Return once so many guests have booked."""
        self._installation.wait_until(
            lambda: sum(1 for guest in self.guests if guest.booking) >= number, seconds=PATIENCE_SECONDS
        )

    def end(self, *, besides: set[int] | None = None) -> Self:
        """Return once everybody has booked; fails when somebody was answered anything but 201 and `besides`."""
        self.wait_for_bookings(len(self.guests))
        for thread in self._threads:
            thread.join()
        assert self.statuses() <= {201} | (besides or set()), self._installation.describe(str(self.answers()))
        return self

    def answers(self) -> list[Answer]:
        """Every answer to any of the guests."""
        return [answer for guest in self.guests for answer in guest.answers]

    def statuses(self) -> set[int]:
        return {answer.status for answer in self.answers()}

    def slowest(self) -> float:
        """The longest that anybody waited for an answer, in seconds."""
        return max(answer.seconds for answer in self.answers())

    def _queue_up(self) -> None:
        while self._coming:
            try:
                guest = self._coming.popleft()
            except IndexError:  # another line was faster
                return
            guest.book(self._installation)


def ask(
    installation: Installation, method: str, path: str, body: dict[str, Any] | None = None, *, key: str = ""
) -> Answer:
    """Send one request and return what came of it."""
    connection = HTTPConnection(HOST, installation.port, timeout=PATIENCE_SECONDS)
    headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": key} if key else {})
    began = time.monotonic()
    try:
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        response = connection.getresponse()
        return Answer(response.status, time.monotonic() - began, json.loads(response.read()))
    except (OSError, HTTPException):
        return Answer(NO_ANSWER, time.monotonic() - began)
    finally:
        connection.close()


def event_type_path(installation: Installation) -> str:
    """Return the address of the demo's half-hour meeting in the public API."""
    return f"/api/v1/public/{installation.demo['organization']}/{installation.demo['event_types'][0]}"


def free_starts(installation: Installation, number: int) -> list[str]:
    """Return so many starts on offer, far enough ahead that no reminder is due during a test."""
    today = datetime.now(UTC).date()
    first, last = today + timedelta(days=3), today + timedelta(days=55)
    answer = ask(installation, "GET", f"{event_type_path(installation)}/slots?start={first}&end={last}&timezone={ZONE}")
    assert answer.status == 200, installation.describe(f"No times are on offer: {answer}")
    starts = [slot["start"] for slot in answer.body["slots"]]
    assert len(starts) >= number, "the demo's host has no time left"
    return starts[:number]


def expected(installation: Installation, *visits: Visit) -> Iterator[Mailing]:
    """Yield the two mails of each booking: one to the guest, one to the host."""
    host = str(installation.demo["email"])
    for guest in (guest for visit in visits for guest in visit.guests if guest.booking):
        yield guest.email, host
        yield host, guest.email


def assert_each_mail_came_once(installation: Installation, *visits: Visit) -> None:
    """Wait for the mails of every booking, and until all work is done; then each has come exactly once."""
    wanted = set(expected(installation, *visits))
    installation.wait_until(lambda: wanted <= installation.mail.mailings().keys(), what=f"Not all came: {wanted}")
    installation.wait_until_at_rest()
    surplus = installation.mail.mailings() - Counter(wanted)
    assert not surplus, installation.describe(f"Came once too often: {surplus}")
    dead = installation.rows("SELECT name, error FROM job_run WHERE state = 'dead'")
    assert not dead, installation.describe(f"Given up: {dead}")
