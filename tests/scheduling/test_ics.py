"""Invitations as calendars read them: RFC 5545 for the form, RFC 5546 for what a calendar does with them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from icalendar import Calendar

from tests.notifications import samples
from webapp.scheduling import ics, messages
from webapp.scheduling.ics import Entry, Method
from webapp.scheduling.models import Booking, Side
from webapp.scheduling.service.booking import manage_token

pytestmark = pytest.mark.usefixtures("app")


_WORDS: dict[str, Any] = {"summary": "First talk", "description": "See you", "location": "https://meet.example/ada"}


def build(booking: Booking, method: Method = Method.REQUEST, **changes: Any) -> str:
    return ics.build([Entry(booking=booking, **(_WORDS | changes))], method=method)


def event_in(text: str) -> Any:
    """The one event of a calendar, by a reader that complains about what it cannot read."""
    (event,) = Calendar.from_ical(text).walk("VEVENT")
    assert event.errors == []
    return event


def test_an_invitation_says_who_meets_when_and_where() -> None:
    with time_machine.travel(samples.EARLIER, tick=False):
        text = build(samples.booking())
    calendar = Calendar.from_ical(text)
    assert (calendar["VERSION"], calendar["METHOD"], calendar["CALSCALE"]) == ("2.0", "REQUEST", "GREGORIAN")
    event = event_in(text)
    assert event["UID"] == "0193a1f0-0000-7000-8000-000000000001@almanac.test"
    assert (event.start, event.end) == (samples.START, samples.END)
    assert event["DTSTAMP"].dt == samples.EARLIER
    assert (event["STATUS"], event["SEQUENCE"], event["TRANSP"]) == ("CONFIRMED", 0, "OPAQUE")
    assert event["LOCATION"] == "https://meet.example/ada"
    assert event["ORGANIZER"] == "mailto:ada@north.example"
    assert event["ORGANIZER"].params["CN"] == "Ada Berg"
    guest, host = event["ATTENDEE"]
    assert (guest, guest.params["CN"], guest.params["PARTSTAT"]) == ("mailto:gus@example.com", "Gus Grün", "ACCEPTED")
    assert (host, host.params["ROLE"]) == ("mailto:ada@north.example", "CHAIR")
    assert {attendee.params["RSVP"] for attendee in (guest, host)} == {"FALSE"}


def test_times_are_written_in_utc() -> None:
    text = build(samples.booking())
    assert "\r\nDTSTART:20261124T133000Z\r\n" in text
    assert "\r\nDTEND:20261124T140000Z\r\n" in text


def test_the_clock_change_moves_nothing() -> None:
    """In Berlin the clock goes back at 01:00 UTC on 25 October 2026: this meeting spans the hour that comes twice."""
    start = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    event = event_in(build(samples.booking(starts_at=start, ends_at=start + timedelta(hours=1))))
    assert (event.start, event.duration) == (start, timedelta(hours=1))


def test_a_move_keeps_the_uid_and_raises_the_sequence() -> None:
    first, second = event_in(build(samples.booking())), event_in(build(samples.moved()))
    assert first["UID"] == second["UID"]
    assert (first["SEQUENCE"], second["SEQUENCE"]) == (0, 1)


def test_a_cancellation_takes_the_meeting_out_of_the_calendar() -> None:
    text = build(samples.cancelled(by=Side.HOST), Method.CANCEL)
    event = event_in(text)
    assert "\r\nMETHOD:CANCEL\r\n" in text
    assert (event["STATUS"], event["TRANSP"]) == ("CANCELLED", "TRANSPARENT")
    assert event["SEQUENCE"] == 1, "RFC 5546 wants it above that of the last request"
    assert len(event["ATTENDEE"]) == 2


def test_a_published_meeting_names_no_attendees() -> None:
    """RFC 5546, 3.2.1: PUBLISH must have an organizer and must not have attendees."""
    text = messages.calendar_file(samples.booking())
    event = event_in(text)
    assert "\r\nMETHOD:PUBLISH\r\n" in text
    assert "ATTENDEE" not in event
    assert event["ORGANIZER"] == "mailto:ada@north.example"


def test_what_must_occur_once_occurs_once() -> None:
    lines = build(samples.booking()).split("\r\n")
    for name in ("UID", "DTSTAMP", "DTSTART", "DTEND", "SEQUENCE", "SUMMARY", "STATUS", "METHOD", "PRODID", "VERSION"):
        assert sum(line.startswith((f"{name}:", f"{name};")) for line in lines) == 1, name
    assert not any(line.startswith("BEGIN:VALARM") for line in lines)


def test_only_the_guest_gets_the_link_that_changes_the_booking() -> None:
    booking = samples.booking()
    link = f"http://almanac.test/manage/{manage_token(booking)}"
    guest, host = messages.confirmation_to_invitee(booking), messages.notification_to_organizer(booking)
    assert guest.calendar is not None
    assert host.calendar is not None
    assert link in event_in(guest.calendar.content)["DESCRIPTION"]
    assert event_in(guest.calendar.content)["URL"] == link
    assert manage_token(booking) not in "".join(host.calendar.content.split("\r\n "))
    assert "What would you like to talk about?" in event_in(host.calendar.content)["DESCRIPTION"]


def test_each_side_reads_the_others_name() -> None:
    guest = messages.confirmation_to_invitee(samples.booking()).calendar
    host = messages.notification_to_organizer(samples.booking()).calendar
    assert guest is not None
    assert host is not None
    assert event_in(guest.content)["SUMMARY"] == "First talk with Ada Berg"
    assert event_in(host.content)["SUMMARY"] == "First talk with Gus Grün"


def test_a_meeting_without_a_place_has_no_location() -> None:
    assert "LOCATION" not in event_in(build(samples.booking(), location=""))


def test_an_address_with_odd_letters_stays_an_address() -> None:
    event = event_in(build(samples.booking(guest_email="o'neil+a?b&c@example.com")))
    assert event["ATTENDEE"][0] == "mailto:o%27neil+a%3Fb%26c@example.com"


# The library takes a byte-order mark, which nobody sees, off the beginning of a value.
words = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\r\t", exclude_characters="\ufeff"),
    max_size=300,
)


@given(name=words, summary=words, description=words, location=words)
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_people_type_the_object_stays_whole(name: str, summary: str, description: str, location: str) -> None:
    booking = samples.booking(guest_name=name, event={"location": location})
    text = build(booking, summary=summary, description=description)
    lines = text.encode().split(b"\r\n")
    assert all(len(line) <= 75 for line in lines), "RFC 5545, 3.1: no line over 75 octets"
    assert not any(b"\n" in line or b"\r" in line for line in lines)
    event = event_in(text)
    for kept, typed in ((event["SUMMARY"], summary), (event["DESCRIPTION"], description)):
        assert kept == typed.replace("\r\n", "\n").replace("\r", "\n")
    assert (event["UID"], len(event["ATTENDEE"])) == ("0193a1f0-0000-7000-8000-000000000001@almanac.test", 2)
