"""Messages about bookings to both sides, and reminders, each a job at its own time."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from jobs.links import booking_with_link
from jobs.mailing import send_mail
from jobs.runtime import cancel_all, job
from webapp.core import clock
from webapp.core.settings import settings
from webapp.scheduling import messages, queries
from webapp.scheduling.models import Side


@job(queue="email", lane="high", retry="notification")
def send_booking_rescheduled_email(
    booking_id: UUID, side: Side, previous_start: datetime, sequence: int, host_id: UUID | None = None
) -> None:
    """Tell one side of the `sequence`-th move of a booking, unless it has moved on or was cancelled since.

    `host_id` names another host than the first.
    """
    booking = booking_with_link(booking_id)
    if not booking.is_confirmed or booking.sequence != sequence:
        return
    if side is Side.GUEST:
        send_mail(messages.rescheduled_to_invitee(booking, previous_start))
    else:
        host = booking.further_host(host_id)
        send_mail(messages.rescheduled_to_organizer(booking, previous_start, host=host))


@job(queue="email", lane="high", retry="notification")
def send_booking_cancellation_email(booking_id: UUID, side: Side, host_id: UUID | None = None) -> None:
    """Tell one side that a booking will not take place; `host_id` names another host than the first."""
    booking = queries.booking(booking_id)
    if side is Side.GUEST:
        send_mail(messages.cancelled_to_invitee(booking))
    else:
        send_mail(messages.cancelled_to_organizer(booking, host=booking.further_host(host_id)))


@job(queue="notifications", atomic=True)
def schedule_booking_reminder(booking_id: UUID, sequence: int) -> None:
    """Have the guest reminded of the booking as it stands after its `sequence`-th move.

    Nothing is scheduled when it has moved on or was cancelled since, nor when it is nearer than the reminder would be.
    """
    booking = queries.booking(booking_id, hold=True)  # who moves it meanwhile finds the reminder, to take it back
    remind_at = booking.starts_at - timedelta(hours=settings().reminder_hours)
    if booking.is_confirmed and booking.sequence == sequence and remind_at > clock.now():
        send_booking_reminder.once_at(remind_at, _reminder_key(booking_id, sequence), booking_id, sequence)


@job(queue="email", lane="high", retry="notification")
def send_booking_reminder(booking_id: UUID, sequence: int) -> None:
    """Remind the guest, unless the booking has moved on, was cancelled, or is over."""
    booking = booking_with_link(booking_id)
    if booking.is_confirmed and booking.sequence == sequence and booking.starts_at > clock.now():
        send_mail(messages.reminder_to_invitee(booking))


def cancel_reminders(booking_id: UUID, *, before_sequence: int) -> None:
    """Take back, in the caller's transaction, the reminders of all times that the booking had before that move."""
    earlier = (_reminder_key(booking_id, sequence) for sequence in range(before_sequence))
    cancel_all(send_booking_reminder, unique_keys=earlier)


def _reminder_key(booking_id: UUID, sequence: int) -> str:
    return f"booking:{booking_id}:reminder:{sequence}"
