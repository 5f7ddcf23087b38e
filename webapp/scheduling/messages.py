"""The e-mails about a booking: each function turns a booking into one mail, ready to be delivered.

Their keys name the fact that they tell. A booking is made once and cancelled once; it moves once per `sequence`, and
is reminded of once per `sequence`. So every attempt writes the same mail under the same key, and it goes out once.
`resend` names a wish to have it again, such as a host's click, and stands for one more copy.

A mail tells the booking as it is now. So whoever sends one because of an event asks first whether that event is still
the latest word: no confirmation of what has been cancelled, no move that another move has overtaken.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from babel import Locale
from babel.lists import format_list
from flask_babel import force_locale, gettext

from webapp.core.languages import customs
from webapp.core.settings import settings
from webapp.identity.models import User
from webapp.notifications.mail.compose import write
from webapp.notifications.mail.message import CalendarPart, Mail, Mailbox
from webapp.scheduling import ics
from webapp.scheduling.answered import answered
from webapp.scheduling.calendar_links import CalendarLinks, links
from webapp.scheduling.ics import Entry, Method
from webapp.scheduling.models import Booking, Side
from webapp.scheduling.places import place_of_booking
from webapp.scheduling.service.access import manage_url
from webapp.scheduling.service.links import book_again_url
from webapp.scheduling.service.policy import can_cancel, can_reschedule
from webapp.scheduling.when import When, describe

_CALLED = {Side.GUEST: "invitee", Side.HOST: "organizer"}


def confirmation_to_invitee(
    booking: Booking, *, series: Sequence[Booking] = (), approval: int = 0, resend: UUID | None = None
) -> Mail:
    """Return the mail that confirms the booking to its guest, with the invitation.

    `approval` is the sequence that an approval gave the booking, 0 for one that needed none: who moves a booking may
    have it approved again. Here and below, `series` are the bookings of a series, this one the first of them, that one
    mail tells of.
    """
    return _confirmation(
        booking, "booking_confirmation", to=Side.GUEST, series=series, approval=approval, resend=resend
    )


def notification_to_organizer(
    booking: Booking,
    *,
    host: User | None = None,
    series: Sequence[Booking] = (),
    approval: int = 0,
    resend: UUID | None = None,
) -> Mail:
    """Return the mail that tells the host of the booking, with the guest's answers and the invitation.

    Here and below, `host` is another of its hosts than the first; `approval` as in `confirmation_to_invitee`.
    """
    return _confirmation(
        booking, "booking_notification", to=Side.HOST, host=host, series=series, approval=approval, resend=resend
    )


def request_to_invitee(booking: Booking, *, series: Sequence[Booking] = ()) -> Mail:
    """Return the mail that tells the guest that the host has been asked.

    A booking that had been confirmed leaves the calendar with it, until it is confirmed again.
    """
    return _asked(booking, to=Side.GUEST, series=series)


def request_to_organizer(booking: Booking, *, host: User | None = None, series: Sequence[Booking] = ()) -> Mail:
    """Return the mail that asks the host to approve or decline, on the booking's page; calendars as for the guest."""
    return _asked(booking, to=Side.HOST, host=host, series=series)


def declined_to_invitee(booking: Booking) -> Mail:
    """Return the mail that tells the guest that the request was declined, or was not answered in time."""
    return _mail(booking, "booking_declined", to=Side.GUEST, method=_taking_back(booking))


def declined_to_organizer(booking: Booking, *, host: User | None = None) -> Mail:
    """Return the mail that tells the host that the request is off, whoever declined it."""
    return _mail(booking, "booking_declined", to=Side.HOST, host=host, method=_taking_back(booking))


def rescheduled_to_invitee(booking: Booking, previous_start: datetime, *, resend: UUID | None = None) -> Mail:
    """Return the mail that tells the guest that the booking has moved away from `previous_start` (aware)."""
    return _rescheduled(booking, previous_start, to=Side.GUEST, resend=resend)


def rescheduled_to_organizer(
    booking: Booking, previous_start: datetime, *, host: User | None = None, resend: UUID | None = None
) -> Mail:
    """Return the mail that tells the host that the booking has moved away from `previous_start` (aware)."""
    return _rescheduled(booking, previous_start, to=Side.HOST, host=host, resend=resend)


def cancelled_to_invitee(booking: Booking, *, series: Sequence[Booking] = (), resend: UUID | None = None) -> Mail:
    """Return the mail that tells the guest that the booking is off, and takes it out of their calendar."""
    method = _taking_back(booking)
    return _mail(booking, "booking_cancelled", to=Side.GUEST, method=method, series=series, resend=resend)


def cancelled_to_organizer(
    booking: Booking, *, host: User | None = None, series: Sequence[Booking] = (), resend: UUID | None = None
) -> Mail:
    """Return the mail that tells the host that the booking is off, and takes it out of their calendar."""
    method = _taking_back(booking)
    return _mail(booking, "booking_cancelled", to=Side.HOST, host=host, method=method, series=series, resend=resend)


def move_request_to_invitee(booking: Booking, asked_at: datetime) -> Mail:
    """Return the mail that asks the guest to choose another time, as their host wished at `asked_at` (aware)."""
    occasion = f"{booking.sequence}:{asked_at.timestamp():.6f}"
    return _mail(booking, "booking_move_request", to=Side.GUEST, occasion=occasion)


def reminder_to_invitee(booking: Booking, *, resend: UUID | None = None) -> Mail:
    """Return the mail that reminds the guest of the booking at its present time."""
    return _mail(booking, "booking_reminder", to=Side.GUEST, occasion=str(booking.sequence), resend=resend)


def calendar_file(booking: Booking) -> str:
    """Return the guest's copy of the booking as an iCalendar file, for the download beside it."""
    return _calendar([booking], Method.PUBLISH, to=Side.GUEST)


def calendar_links(booking: Booking) -> CalendarLinks:
    """Return the links by which the guest puts the booking into a web calendar."""
    locale = _locale(booking, to=Side.GUEST)
    return links(
        title=_summary(booking, to=Side.GUEST, locale=locale),
        start=booking.starts_at,
        end=booking.ends_at,
        description=_description(booking, to=Side.GUEST, locale=locale),
        location=_place(booking, to=Side.GUEST, locale=locale),
    )


def _confirmation(
    booking: Booking,
    kind: str,
    *,
    to: Side,
    host: User | None = None,
    series: Sequence[Booking],
    approval: int,
    resend: UUID | None,
) -> Mail:
    return _mail(
        booking,
        kind,
        to=to,
        host=host,
        method=Method.REQUEST,
        occasion=str(approval) if approval else "",
        series=series,
        resend=resend,
    )


def _asked(booking: Booking, *, to: Side, host: User | None = None, series: Sequence[Booking]) -> Mail:
    method, occasion = _taking_back(booking), str(booking.sequence)
    return _mail(booking, "booking_request", to=to, host=host, method=method, occasion=occasion, series=series)


def _taking_back(booking: Booking) -> Method | None:
    """Return what takes the booking out of the calendars; nothing where none has heard of it."""
    return Method.CANCEL if booking.was_confirmed else None


def _rescheduled(
    booking: Booking, previous_start: datetime, *, to: Side, host: User | None = None, resend: UUID | None
) -> Mail:
    return _mail(
        booking,
        "booking_rescheduled",
        to=to,
        host=host,
        method=Method.REQUEST,
        occasion=str(booking.sequence),
        previous=_when(booking, to=to, host=host, start=previous_start),
        resend=resend,
    )


def _mail(
    booking: Booking,
    kind: str,
    *,
    to: Side,
    host: User | None = None,
    method: Method | None = None,
    occasion: str = "",
    previous: When | None = None,
    series: Sequence[Booking] = (),
    resend: UUID | None = None,
) -> Mail:
    """Write the mail of this `kind`; `occasion` tells apart what may happen to a booking more than once.

    It goes `to` the guest, or to the booking's first host, or to another `host`.
    """
    reader = host or booking.host
    template = f"{kind}_{_CALLED[to]}"
    locale = _locale(booking, to=to, host=reader)
    context = _context(booking, to=to, reader=reader) | _context_of_series(series, to=to, reader=reader)
    written = write(template, context | {"previous": previous}, locale=locale)
    guest = Mailbox(name=booking.guest_name, address=booking.guest_email)
    first, told = (Mailbox(name=person.name, address=person.email) for person in (booking.host, reader))
    also = f"host:{host.id}" if host else ""
    key = [f"booking:{booking.id}:{template}", also, occasion, f"resend:{resend}" if resend else ""]
    return Mail(
        organization_id=booking.organization_id,
        idempotency_key=":".join(filter(None, key)),
        template=template,
        recipient=guest if to is Side.GUEST else told,
        reply_to=first if to is Side.GUEST else guest,
        subject=written.subject,
        text=written.text,
        html=written.html,
        calendar=_calendar_part(series or [booking], method, to=to, host=reader) if method else None,
    )


def _context(booking: Booking, *, to: Side, reader: User) -> dict[str, object]:
    """Return what templates may speak of. Only the guest's mails get the links by which the guest acts."""
    event_type = booking.event_type
    common = {
        "booking": booking,
        "event_type": event_type,
        "organization": event_type.organization,
        "host_names": host_names(booking, locale=_locale(booking, to=to, host=reader)),
        "withdrawn": booking.cancelled_by is Side.GUEST and not booking.was_confirmed,
        "when": _when(booking, to=to, host=reader),
        "place": _place(booking, to=to, locale=_locale(booking, to=to, host=reader)),
    }
    if to is Side.GUEST:
        return common | {
            "manage_url": manage_url(booking),
            "can_cancel": can_cancel(booking),
            "can_move": can_reschedule(booking),
            "calendars": calendar_links(booking),
            "book_url": book_again_url(event_type),
        }
    return common | {
        "host": reader,
        "answers": _answered(booking, _locale(booking, to=to, host=reader)),
        "guest_when": _when(booking, to=Side.GUEST, locale=_locale(booking, to=to, host=reader)),
        "booking_url": _page_of_host(booking),
    }


def _locale(booking: Booking, *, to: Side, host: User | None = None) -> Locale:
    """Return the locale of the one who reads it."""
    return customs((booking.guest_locale if to is Side.GUEST else (host or booking.host).locale) or "")


def _answered(booking: Booking, locale: Locale) -> list[tuple[str, str]]:
    with force_locale(locale):
        return answered(booking)


def _context_of_series(series: Sequence[Booking], *, to: Side, reader: User) -> dict[str, object]:
    return {
        "occurrences": [_when(each, to=to, host=reader) for each in series],
        "series_zone": zone_of_series(series),
    }


def zone_of_series(series: Sequence[Booking]) -> str:
    """Return the name of the zone whose clocks the series goes by, for people; empty where there is none."""
    return series[0].series.timezone.replace("_", " ") if series and series[0].series else ""


def _place(booking: Booking, *, to: Side, locale: Locale) -> str:
    with force_locale(locale):
        return place_of_booking(booking, to=to)


def host_names(booking: Booking, *, locale: Locale) -> str:
    """Return the names of all who host the booking, as the reader's language lists them."""
    return str(format_list([host.name for host in booking.hosts], locale=locale))


def _when(
    booking: Booking,
    *,
    to: Side,
    host: User | None = None,
    start: datetime | None = None,
    locale: Locale | None = None,
) -> When:
    """Say when the booking is, or was if it began at `start`, in the zone and the words of the one who reads it."""
    begins = start or booking.starts_at
    zone = booking.guest_timezone if to is Side.GUEST else (host or booking.host).timezone
    length, words = booking.ends_at - booking.starts_at, locale or _locale(booking, to=to, host=host)
    return describe(begins, begins + length, zone=zone, locale=words)


def _calendar_part(bookings: Sequence[Booking], method: Method, *, to: Side, host: User | None = None) -> CalendarPart:
    """Return what a mail brings for calendars; several meetings can only be published, which each calendar takes."""
    fit = method if len(bookings) == 1 else Method.PUBLISH
    return CalendarPart(method=fit, content=_calendar(bookings, fit, to=to, host=host))


def _calendar(bookings: Sequence[Booking], method: Method, *, to: Side, host: User | None = None) -> str:
    return ics.build([_entry(booking, to=to, host=host) for booking in bookings], method=method)


def _entry(booking: Booking, *, to: Side, host: User | None) -> Entry:
    locale = _locale(booking, to=to, host=host)
    return Entry(
        booking=booking,
        summary=_summary(booking, to=to, locale=locale),
        description=_description(booking, to=to, locale=locale),
        location=_place(booking, to=to, locale=locale),
        url=manage_url(booking) if to is Side.GUEST else _page_of_host(booking),
    )


def _summary(booking: Booking, *, to: Side, locale: Locale) -> str:
    other = host_names(booking, locale=locale) if to is Side.GUEST else booking.guest_name
    with force_locale(locale):
        summary: str = gettext("%(event)s with %(person)s", event=booking.event_type.name, person=other)
    return summary


def _description(booking: Booking, *, to: Side, locale: Locale) -> str:
    """Say in the calendar entry what its reader needs. The link to change the booking is the guest's alone."""
    with force_locale(locale):
        if to is Side.GUEST:
            return "\n\n".join(filter(None, [booking.event_type.description, _link_in_words(booking)]))
        contact = filter(None, [booking.guest_name, booking.guest_email, booking.guest_phone])
        answers = (f"{label}\n{answer}" for label, answer in answered(booking))
        details = gettext("Details: %(link)s", link=_page_of_host(booking))
        return "\n\n".join(["\n".join(contact), *answers, details])


def _link_in_words(booking: Booking) -> str:
    """Return the guest's link with what it is good for, in the language at hand."""
    link, may = manage_url(booking), (can_reschedule(booking), can_cancel(booking))
    words: str = {
        (True, True): gettext("Reschedule or cancel: %(link)s", link=link),
        (True, False): gettext("Reschedule: %(link)s", link=link),
        (False, True): gettext("Cancel: %(link)s", link=link),
        (False, False): gettext("Your booking: %(link)s", link=link),
    }[may]
    return words


def _page_of_host(booking: Booking) -> str:
    return f"{settings().public_url}/app/bookings/{booking.id}"
