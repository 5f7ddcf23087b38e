"""A booking as an iCalendar object (RFC 5545), for mails (RFC 5546, 6047) and for the file that guests download."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote

from icalendar import Calendar, Event, vCalAddress, vUri

from webapp.core.clock import now
from webapp.core.settings import settings
from webapp.scheduling.models import Booking

_PRODUCT = "-//Almanac//Almanac//EN"


class Method(StrEnum):
    """What the receiver's calendar is to do with the object."""

    REQUEST = "REQUEST"
    CANCEL = "CANCEL"
    PUBLISH = "PUBLISH"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A booking in somebody's calendar, in words for that one reader.

    `to_attendee` is the reader's address, where a guest brings them along; a CANCEL for one who was taken off ends it
    for them alone.
    """

    booking: Booking
    summary: str
    description: str
    location: str = ""
    url: str | None = None
    to_attendee: str | None = None


def build(entries: Sequence[Entry], *, method: Method) -> str:
    """Return the iCalendar object of the entries, with CRLF line ends and lines folded at 75 octets.

    Only what is merely published may hold several (RFC 5546, 3.2). Each has a UID of its own, so that a calendar takes
    out or moves one of a series as it would any other.

    The UID stays the same for the booking's whole life and SEQUENCE is the booking's own, which every move and the
    cancellation raise: so a calendar tells the new from the old. Times are in UTC, so that no definition of a zone
    need travel along.
    """
    calendar = Calendar()
    calendar.add("prodid", _PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method.value)
    for entry in entries:
        calendar.add_component(_event(entry, method))
    written: bytes = calendar.to_ical()
    return written.decode()


def _event(entry: Entry, method: Method) -> Event:
    booking, event = entry.booking, Event()
    _add_facts(event, booking, cancelled=method is Method.CANCEL or not booking.is_confirmed)
    event.add("summary", entry.summary)
    event.add("description", entry.description)
    if entry.location:
        event.add("location", entry.location)
    if entry.url:
        event.add("url", vUri(entry.url))
    _add_people(event, booking, with_attendees=method is not Method.PUBLISH)
    if method is not Method.PUBLISH:
        _add_brought_along(event, booking, entry.to_attendee)
    return event


def _add_facts(event: Event, booking: Booking, *, cancelled: bool) -> None:
    event.add("uid", f"{booking.id}@{settings().public_host}")
    event.add("sequence", booking.sequence)
    event.add("dtstamp", now())
    event.add("dtstart", booking.starts_at)
    event.add("dtend", booking.ends_at)
    event.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    event.add("transp", "TRANSPARENT" if cancelled else "OPAQUE")


def _add_people(event: Event, booking: Booking, *, with_attendees: bool) -> None:
    """Name the host as organizer and, except where something is merely published (RFC 5546, 3.2.1), who takes part.

    All have agreed: the guest by booking, the hosts by offering the time. So nobody is asked to reply. The host is
    an attendee too, since some calendars file only meetings that their owner attends.
    """
    event.add("organizer", _person(booking.host.name, booking.host.email))
    if not with_attendees:
        return
    for name, email, role in (
        (booking.guest_name, booking.guest_email, "REQ-PARTICIPANT"),
        (booking.host.name, booking.host.email, "CHAIR"),
        *((other.name, other.email, "REQ-PARTICIPANT") for other in booking.hosts[1:]),
    ):
        event.add("attendee", _attendee(name, email, role=role, status="ACCEPTED"))


def _add_brought_along(event: Event, booking: Booking, reader: str | None) -> None:
    """Name whom the guest brings along, who have agreed to nothing yet, and who reads it, if they were taken off."""
    emails = [attendee.email for attendee in booking.attendees]
    hosts = {host.email.casefold() for host in booking.hosts}
    for email in emails if reader is None or reader in emails else [*emails, reader]:
        if email.casefold() not in hosts:
            event.add("attendee", _attendee(email, email, role="REQ-PARTICIPANT", status="NEEDS-ACTION"))


def _attendee(name: str, email: str, *, role: str, status: str) -> vCalAddress:
    attendee = _person(name, email)
    attendee.params["CUTYPE"] = "INDIVIDUAL"
    attendee.params["ROLE"] = role
    attendee.params["PARTSTAT"] = status
    attendee.params["RSVP"] = "FALSE"
    return attendee


def _person(name: str, email: str) -> vCalAddress:
    person = vCalAddress(f"mailto:{quote(email, safe='@+=!$*')}")
    person.params["CN"] = name
    return person
