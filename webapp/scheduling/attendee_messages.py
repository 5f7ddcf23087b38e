"""The e-mails to those whom a guest brings along.

They hold what, when, where and with whom, in the guest's time zone and language, since nobody has asked these people.
They never hold the guest's link, answers or telephone number. Keys name the attendee beside the fact, as in `messages`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from babel import Locale
from flask_babel import force_locale, gettext

from webapp.core.languages import customs
from webapp.notifications.mail.compose import write
from webapp.notifications.mail.message import CalendarPart, Mail, Mailbox
from webapp.scheduling import ics
from webapp.scheduling.calendar_links import links
from webapp.scheduling.ics import Entry, Method
from webapp.scheduling.messages import host_names, zone_of_series
from webapp.scheduling.models import Booking, BookingAttendee
from webapp.scheduling.places import place_of_booking
from webapp.scheduling.when import When, describe


def invitation_to_attendee(
    booking: Booking, attendee: BookingAttendee, *, series: Sequence[Booking] = (), approval: int = 0
) -> Mail:
    """Return the mail that invites somebody whom the guest has named; `series` and `approval` as in `messages`."""
    occasion, kind = f":{approval}" if approval else "", "booking_invitation_attendee"
    return _mail(booking, attendee, kind, method=Method.REQUEST, occasion=occasion, series=series)


def rescheduled_to_attendee(booking: Booking, attendee: BookingAttendee, previous_start: datetime) -> Mail:
    """Return the mail that tells an attendee that the booking has moved away from `previous_start` (aware)."""
    return _mail(
        booking,
        attendee,
        "booking_rescheduled_attendee",
        method=Method.REQUEST,
        occasion=f":{booking.sequence}",
        previous=_when(booking, previous_start),
    )


def cancelled_to_attendee(booking: Booking, attendee: BookingAttendee, *, series: Sequence[Booking] = ()) -> Mail:
    """Return the mail that tells an attendee that the booking is off, and takes it out of their calendar."""
    return _mail(booking, attendee, "booking_cancelled_attendee", method=Method.CANCEL, series=series)


def called_off_to_attendee(booking: Booking, attendee: BookingAttendee, start: datetime) -> Mail:
    """Return the mail that tells an attendee that nothing takes place at `start` (aware), where the booking was."""
    return _mail(
        booking,
        attendee,
        "booking_cancelled_attendee",
        method=Method.CANCEL,
        occasion=f":{booking.sequence}",
        start=start,
    )


def removed_to_attendee(booking: Booking, attendee: BookingAttendee) -> Mail:
    """Return the mail that tells somebody that they are no longer expected, and takes it out of their calendar."""
    return _mail(booking, attendee, "booking_removed_attendee", method=Method.CANCEL)


def _mail(
    booking: Booking,
    attendee: BookingAttendee,
    template: str,
    *,
    method: Method,
    occasion: str = "",
    previous: When | None = None,
    start: datetime | None = None,
    series: Sequence[Booking] = (),
) -> Mail:
    """Write the mail; `occasion` tells apart what may happen to a booking more than once. `start` is another one."""
    event_type, locale = booking.event_type, _locale(booking)
    summary = _summary(booking, locale)
    with force_locale(locale):
        place = place_of_booking(booking, to=None)
    context = {
        "place": place,
        "booking": booking,
        "event_type": event_type,
        "organization": event_type.organization,
        "host_names": host_names(booking, locale=locale),
        "when": _when(booking, start or booking.starts_at),
        "previous": previous,
        "occurrences": [_when(each, each.starts_at) for each in series],
        "series_zone": zone_of_series(series),
        "calendars": links(
            title=summary,
            start=booking.starts_at,
            end=booking.ends_at,
            description=event_type.description,
            location=place,
        ),
    }
    written = write(template, context, locale=locale)
    fit = Method.PUBLISH if series else method  # several can only be published
    entries = [
        Entry(
            booking=each,
            summary=summary,
            description=event_type.description,
            location=place,
            to_attendee=attendee.email,
        )
        for each in series or [booking]
    ]
    return Mail(
        organization_id=booking.organization_id,
        idempotency_key=f"booking:{booking.id}:{template}:{attendee.id}{occasion}",
        template=template,
        recipient=Mailbox(name="", address=attendee.email),
        reply_to=Mailbox(name=booking.guest_name, address=booking.guest_email),
        subject=written.subject,
        text=written.text,
        html=written.html,
        calendar=CalendarPart(method=fit, content=ics.build(entries, method=fit)),
    )


def _summary(booking: Booking, locale: Locale) -> str:
    hosts = host_names(booking, locale=locale)
    with force_locale(locale):
        summary: str = gettext("%(event)s with %(person)s", event=booking.event_type.name, person=hosts)
    return summary


def _when(booking: Booking, start: datetime) -> When:
    length = booking.ends_at - booking.starts_at
    return describe(start, start + length, zone=booking.guest_timezone, locale=_locale(booking))


def _locale(booking: Booking) -> Locale:
    return customs(booking.guest_locale or "")
