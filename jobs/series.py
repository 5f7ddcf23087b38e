"""What follows a series of bookings: one mail to each that lists them all, instead of one for each booking."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from jobs.links import booking_with_link
from jobs.mailing import send_mail
from jobs.runtime import group, job
from webapp.scheduling import attendee_messages, messages, queries
from webapp.scheduling.events import SeriesBooked, SeriesCancelled
from webapp.scheduling.models import Booking, BookingStatus


@job(queue="bookings", lane="high", on=SeriesBooked, atomic=True)
def process_series_confirmation(series_id: UUID) -> None:
    """All that follows a series as a whole; what follows each of its bookings is their own confirmation's business."""
    booked = queries.bookings_of_series(series_id)
    group(
        send_series_confirmation_to_invitee.s(series_id),
        *(send_series_notification_to_organizer.s(series_id, host_id) for host_id in _hosts(booked)),
        *(send_series_invitation_to_attendee.s(series_id, email) for email in _brought_along(booked)),
    ).enqueue()


@job(queue="bookings", lane="high", on=SeriesCancelled, atomic=True)
def process_series_cancellation(booking_ids: list[UUID]) -> None:
    """All hear of the bookings of a series that were cancelled together."""
    gone = queries.bookings_with_ids(booking_ids)
    group(
        send_series_cancellation_to_invitee.s(booking_ids),
        *(send_series_cancellation_to_organizer.s(booking_ids, host_id) for host_id in _hosts(gone)),
        *(send_series_cancellation_to_attendee.s(booking_ids, email) for email in _brought_along(gone)),
    ).enqueue()


@job(queue="email", lane="high", retry="notification")
def send_series_confirmation_to_invitee(series_id: UUID) -> None:
    """Send the guest the meetings of a series that still stand as they were booked, with one calendar file for all.

    What waits for a host's approval is not confirmed: the guest is told that the host has been asked.
    """
    confirmed, asked = _as_booked(queries.bookings_of_series(series_id))
    if confirmed:
        send_mail(messages.confirmation_to_invitee(booking_with_link(confirmed[0].id), series=confirmed))
    if asked:
        send_mail(messages.request_to_invitee(booking_with_link(asked[0].id), series=asked))


@job(queue="email", retry="notification")
def send_series_notification_to_organizer(series_id: UUID, host_id: UUID) -> None:
    """Tell a host of their meetings of a series that still stand as they were booked, or ask them to approve."""
    confirmed, asked = _as_booked(_hosted(queries.bookings_of_series(series_id), host_id))
    if confirmed:
        host = confirmed[0].further_host(host_id)
        send_mail(messages.notification_to_organizer(confirmed[0], host=host, series=confirmed))
    if asked:
        send_mail(messages.request_to_organizer(asked[0], host=asked[0].further_host(host_id), series=asked))


@job(queue="email", retry="notification")
def send_series_invitation_to_attendee(series_id: UUID, email: str) -> None:
    """Invite somebody whom the guest brings along to the meetings of a series that still stand as they were booked."""
    confirmed, _ = _as_booked(_attended(queries.bookings_of_series(series_id), email))
    if confirmed:
        attendee = next(each for each in confirmed[0].attendees if each.email == email)
        send_mail(attendee_messages.invitation_to_attendee(confirmed[0], attendee, series=confirmed))


@job(queue="email", lane="high", retry="notification")
def send_series_cancellation_to_invitee(booking_ids: list[UUID]) -> None:
    """Tell the guest which meetings of a series will not take place."""
    gone = queries.bookings_with_ids(booking_ids)
    send_mail(messages.cancelled_to_invitee(gone[0], series=gone))


@job(queue="email", lane="high", retry="notification")
def send_series_cancellation_to_organizer(booking_ids: list[UUID], host_id: UUID) -> None:
    """Tell a host which of their meetings of a series will not take place."""
    gone = _hosted(queries.bookings_with_ids(booking_ids), host_id)
    send_mail(messages.cancelled_to_organizer(gone[0], host=gone[0].further_host(host_id), series=gone))


@job(queue="email", retry="notification")
def send_series_cancellation_to_attendee(booking_ids: list[UUID], email: str) -> None:
    """Tell an attendee which meetings of a series will not take place, of those that they have heard of."""
    gone = [each for each in _attended(queries.bookings_with_ids(booking_ids), email) if each.was_confirmed]
    if gone:
        attendee = next(each for each in gone[0].attendees if each.email == email)
        send_mail(attendee_messages.cancelled_to_attendee(gone[0], attendee, series=gone))


def _as_booked(bookings: Iterable[Booking]) -> tuple[list[Booking], list[Booking]]:
    """Return those that are confirmed and those that wait for approval, without what has been changed since."""
    untouched = [booking for booking in bookings if booking.is_told_with_series(booking.sequence)]
    confirmed = [booking for booking in untouched if booking.is_confirmed]
    return confirmed, [booking for booking in untouched if booking.status is BookingStatus.PENDING]


def _hosts(bookings: list[Booking]) -> list[UUID]:
    """Return the hosts of all the bookings, each once."""
    return list(dict.fromkeys(host.id for booking in bookings for host in booking.hosts))


def _hosted(bookings: list[Booking], host_id: UUID) -> list[Booking]:
    return [booking for booking in bookings if host_id in {host.id for host in booking.hosts}]


def _brought_along(bookings: list[Booking]) -> list[str]:
    """Return whom the guest brings along, each once."""
    return list(dict.fromkeys(attendee.email for booking in bookings for attendee in booking.attendees))


def _attended(bookings: list[Booking], email: str) -> list[Booking]:
    return [booking for booking in bookings if email in {attendee.email for attendee in booking.attendees}]
