"""The main job from end to end, as production runs it: a guest books, moves and cancels, and both sides hear of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from icalendar import Calendar
from redis import Redis

from tests.faults.guests import ZONE, Answer, ask, event_type_path, free_starts
from tests.faults.harness import SCHEDULED, Installation

GUEST = "grace@example.com"
CALENDAR_TYPES = {"text/calendar", "application/ics"}

REMINDERS = """
SELECT id::text, state, run_at FROM job_run
WHERE name = 'notifications.send_booking_reminder' AND arguments ->> 'booking_id' = %(booking)s ORDER BY id
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with Installation(tmp_path_factory.mktemp("installation")) as installation:
        yield installation


@pytest.fixture
def almanac(running: Installation) -> Installation:
    running.wait_until_at_rest()
    running.mail.forget()
    return running


def test_who_books_gets_an_invitation_and_so_does_the_host(almanac: Installation) -> None:
    (start,) = free_starts(almanac, 1)
    booking = book(almanac, start)
    for event in events(almanac, "REQUEST"):
        assert (event["SEQUENCE"], event["STATUS"]) == (0, "CONFIRMED")
        assert (event.start, event.end) == (moment(start), moment(start) + timedelta(minutes=30))
        assert event["UID"].startswith(booking["id"])
        assert event["ORGANIZER"] == f"mailto:{host(almanac)}"
        assert {str(attendee) for attendee in event["ATTENDEE"]} == {f"mailto:{GUEST}", f"mailto:{host(almanac)}"}
    to_guest, to_host = mails(almanac)
    assert booking["manage_url"] in text(to_guest)
    assert booking["manage_url"] not in text(to_host)
    assert GUEST in text(to_host)


def test_who_moves_a_booking_gets_the_new_time_under_a_higher_sequence(almanac: Installation) -> None:
    start, later = free_starts(almanac, 2)
    booking = book(almanac, start)
    change(almanac, booking, "reschedule", {"start": later})
    for event in events(almanac, "REQUEST"):
        assert (event["SEQUENCE"], event["STATUS"]) == (1, "CONFIRMED")
        assert event.start == moment(later)
        assert event["UID"].startswith(booking["id"])
    assert start in free_starts(almanac, 1), "the time that was left is on offer again"


def test_who_cancels_has_the_meeting_taken_out_of_both_calendars(almanac: Installation) -> None:
    (start,) = free_starts(almanac, 1)
    booking = book(almanac, start)
    change(almanac, booking, "cancel", {"reason": "A cold"})
    for event in events(almanac, "CANCEL"):
        assert (event["SEQUENCE"], event["STATUS"]) == (1, "CANCELLED")
        assert event["UID"].startswith(booking["id"])
    assert all("A cold" in text(mail) for mail in mails(almanac))
    assert start in free_starts(almanac, 1)


def test_the_reminder_waits_for_the_day_before_and_moves_and_dies_with_the_booking(almanac: Installation) -> None:
    start, later = free_starts(almanac, 2)
    booking = book(almanac, start)
    assert reminders(almanac, booking) == [("waiting", moment(start) - timedelta(days=1))]
    change(almanac, booking, "reschedule", {"start": later})
    moved = [
        ("cancelled", moment(start) - timedelta(days=1)),
        ("waiting", moment(later) - timedelta(days=1)),
    ]
    assert reminders(almanac, booking) == moved
    change(almanac, booking, "cancel", {})
    assert [state for state, _ in reminders(almanac, booking)] == ["cancelled", "cancelled"]
    assert len(mails(almanac)) == 2


def book(almanac: Installation, start: str) -> dict[str, Any]:
    """Book as Grace does and return the answer, once both mails are there and all is done."""
    invitee = {"name": "Grace Hopper", "email": GUEST}
    body = {"start": start, "timezone": ZONE, "invitee": invitee}
    answer = ask(almanac, "POST", f"{event_type_path(almanac)}/bookings", body)
    assert answer.status == 201, almanac.describe(str(answer))
    assert (answer.body["status"], answer.body["start"]) == ("confirmed", start)
    return followed_by_mails(almanac, answer)


def change(almanac: Installation, booking: dict[str, Any], how: str, body: dict[str, str]) -> None:
    """Move or cancel the booking by its manage link, and return once both mails are there and all is done."""
    almanac.mail.forget()
    token = booking["manage_url"].rpartition("/")[2]
    answer = ask(almanac, "POST", f"/api/v1/public/bookings/{token}/{how}", body)
    assert answer.status == 200, almanac.describe(str(answer))
    followed_by_mails(almanac, answer)


def followed_by_mails(almanac: Installation, answer: Answer) -> dict[str, Any]:
    almanac.mail.wait_for(2)
    almanac.wait_until_at_rest()
    return answer.body


def mails(almanac: Installation) -> tuple[EmailMessage, EmailMessage]:
    """The guest's mail and the host's, and there are no others."""
    (to_guest,), (to_host,) = almanac.mail.to(GUEST), almanac.mail.to(host(almanac))
    return to_guest, to_host


def events(almanac: Installation, method: str) -> list[Any]:
    """The event in either mail: shown by the mail program and attached are the same, and a reader finds no fault."""
    found = []
    for mail in mails(almanac):
        shown, attached = (part for part in mail.walk() if part.get_content_type() in CALENDAR_TYPES)
        assert shown["Content-Type"].params["method"] == method
        content = attached.get_content()
        assert shown.get_content().encode() == content
        calendar = Calendar.from_ical(content)
        assert (calendar["METHOD"], calendar["VERSION"]) == (method, "2.0")
        (event,) = calendar.walk("VEVENT")
        assert event.errors == []
        found.append(event)
    return found


def reminders(almanac: Installation, booking: dict[str, Any]) -> list[tuple[str, datetime]]:
    """Every reminder of the booking in its state and for its time; Redis knows of those that wait, at their time."""
    rows = almanac.rows(REMINDERS, booking=booking["id"])
    with Redis.from_url(almanac.jobs_redis.url) as redis:
        scheduled = {row["id"]: redis.zscore(SCHEDULED, row["id"]) for row in rows}
    assert scheduled == {row["id"]: row["run_at"].timestamp() if row["state"] == "waiting" else None for row in rows}
    return [(row["state"], row["run_at"]) for row in rows]


def text(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def host(almanac: Installation) -> str:
    return str(almanac.demo["email"])


def moment(start: str) -> datetime:
    return datetime.fromisoformat(start)
