"""Somebody cancels: who waits hears of it within seconds, and once, whatever becomes of the worker."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from tests.faults.guests import ZONE, ask, event_type_path, free_starts
from tests.faults.harness import Installation
from tests.faults.mailserver import Step

SOON = 5.0
OFFER = "Now free for you"


def test_the_first_in_line_has_the_offer_within_five_seconds(almanac: Installation) -> None:
    for number, start in enumerate(_starts(almanac, 3)):
        booking, first, second = _booked_and_waited_for(almanac, start, number)
        began = time.monotonic()
        _cancel(almanac, booking)
        almanac.wait_until(partial(_offers, almanac, first), seconds=SOON)
        seconds = time.monotonic() - began
        assert seconds < SOON, f"the offer took {seconds:.2f} s"
        almanac.wait_until_at_rest()
        assert (_offers(almanac, first), _offers(almanac, second)) == (1, 0)


def test_a_worker_killed_between_the_award_and_its_mail_costs_no_offer_and_doubles_none(almanac: Installation) -> None:
    (start,) = _starts(almanac, 1)
    booking, first, second = _booked_and_waited_for(almanac, start, 9)
    with almanac.mail.keeping_waiting(Step.RECIPIENT, to=first):
        _cancel(almanac, booking)
        almanac.wait_until(lambda: _entries(almanac, first) == ["offered"])
        almanac.mail.wait_for_senders(1)
        almanac.worker.kill()
        almanac.mail.wait_until_left()
    almanac.worker.start()
    almanac.wait_until(lambda: _offers(almanac, first))
    almanac.wait_until_at_rest()
    assert (_offers(almanac, first), _offers(almanac, second)) == (1, 0)
    assert (_entries(almanac, first), _entries(almanac, second)) == (["offered"], ["waiting"])


def _starts(almanac: Installation, number: int) -> list[str]:
    """Free times of something that keeps a waitlist."""
    almanac.rows("UPDATE event_type SET waitlist_enabled = true RETURNING id")
    return free_starts(almanac, number)


def _booked_and_waited_for(almanac: Installation, start: str, number: int) -> tuple[dict[str, Any], str, str]:
    """A booking, and the addresses of two who wait for its time."""
    path, line = event_type_path(almanac), [f"{name}-{number}@example.com" for name in ("bea", "cy")]
    wish = {"start": start, "timezone": ZONE}
    booked = ask(almanac, "POST", f"{path}/bookings", wish | {"invitee": {"name": "Ada", "email": "ada@example.com"}})
    assert booked.status == 201, almanac.describe(str(booked))
    for address in line:
        joined = ask(almanac, "POST", f"{path}/waitlist", wish | {"invitee": {"name": "Bea", "email": address}})
        assert joined.status == 201, almanac.describe(str(joined))
    almanac.wait_until_at_rest()
    return booked.body, line[0], line[1]


def _cancel(almanac: Installation, booking: dict[str, Any]) -> None:
    token = booking["manage_url"].rpartition("/")[2]
    assert ask(almanac, "POST", f"/api/v1/public/bookings/{token}/cancel", {}).status == 200


def _offers(almanac: Installation, address: str) -> int:
    return sum(1 for mail in almanac.mail.to(address) if str(mail["Subject"]).startswith(OFFER))


def _entries(almanac: Installation, address: str) -> list[str]:
    rows = almanac.rows("SELECT status FROM waitlist_entry WHERE guest_email = %(address)s", address=address)
    return [row["status"] for row in rows]
