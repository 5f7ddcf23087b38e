"""What people hear whom guests bring along. Each mail is one job, so a bad address keeps nothing from the others."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from jobs.mailing import send_mail
from jobs.runtime import job
from webapp.scheduling import attendee_messages as messages
from webapp.scheduling import queries
from webapp.scheduling.events import BookingAttendeeAdded, BookingAttendeeRemoved


@job(queue="email", retry="notification", on=BookingAttendeeAdded)
def send_invitation_to_attendee(booking_id: UUID, attendee_id: UUID, approval: int = 0) -> None:
    """Invite somebody whom the guest has named, unless they were taken off, or the booking is not confirmed (yet).

    `approval` is the sequence that an approval gave the booking.
    """
    booking = queries.booking(booking_id)
    attendee = booking.attendee(attendee_id)
    if booking.is_confirmed and attendee:
        send_mail(messages.invitation_to_attendee(booking, attendee, approval=approval))


@job(queue="email", retry="notification")
def send_new_time_to_attendee(booking_id: UUID, attendee_id: UUID, previous_start: datetime, sequence: int) -> None:
    """Tell an attendee of the `sequence`-th move of a booking, unless it has moved on or was cancelled since.

    While the new time waits for approval, there is only to tell that the old one is off.
    """
    booking = queries.booking(booking_id)
    attendee = booking.attendee(attendee_id)
    if booking.sequence != sequence or attendee is None:
        return
    if booking.is_confirmed:
        send_mail(messages.rescheduled_to_attendee(booking, attendee, previous_start))
    elif booking.was_confirmed:
        send_mail(messages.called_off_to_attendee(booking, attendee, previous_start))


@job(queue="email", retry="notification")
def send_cancellation_to_attendee(booking_id: UUID, attendee_id: UUID) -> None:
    """Tell an attendee that a booking will not take place, if they have ever heard that it would."""
    booking = queries.booking(booking_id)
    if booking.was_confirmed and (attendee := booking.attendee(attendee_id)):
        send_mail(messages.cancelled_to_attendee(booking, attendee))


@job(queue="email", retry="notification", on=BookingAttendeeRemoved)
def send_removal_to_attendee(booking_id: UUID, attendee_id: UUID) -> None:
    """Tell somebody whom the guest has taken off that they are no longer expected, if they ever were."""
    booking = queries.booking(booking_id)
    for attendee in booking.named:
        if attendee.id == attendee_id and booking.was_confirmed:
            send_mail(messages.removed_to_attendee(booking, attendee))
