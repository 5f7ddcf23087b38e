"""What follows a booking, its move and its end."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from jobs import approvals, attendees, notifications
from jobs.links import booking_with_link
from jobs.mailing import send_mail
from jobs.runtime import group, job
from webapp.core import clock, measures
from webapp.core.db import transaction
from webapp.core.events import publish
from webapp.core.settings import settings
from webapp.scheduling import messages, queries
from webapp.scheduling.events import BookingCancelled, BookingConfirmed, BookingHealthSeen, BookingRescheduled
from webapp.scheduling.models import Side
from webapp.scheduling.service import access, attendance, holds

NO_SHOWS_AT_ONCE = 200
LINKS_AT_ONCE = 500
HOLDS_AT_ONCE = 100


@job(queue="bookings", lane="high", on=BookingConfirmed, atomic=True)
def process_booking_confirmation(booking_id: UUID, sequence: int = 0) -> None:
    """All that follows a confirmed booking is listed here, and only here; `sequence` is 0 but for an approved one."""
    approvals.cancel_expiries(booking_id, before_sequence=sequence)
    booking, tell = queries.booking(booking_id), send_booking_notification_to_organizer
    group(
        send_booking_confirmation_to_invitee.s(booking_id, approval=sequence),
        tell.s(booking_id, approval=sequence),
        *(tell.s(booking_id, other.host_id, approval=sequence) for other in booking.further_hosts),
        *(attendees.send_invitation_to_attendee.s(booking_id, each.id, sequence) for each in booking.attendees),
        notifications.schedule_booking_reminder.s(booking_id, sequence),
    ).enqueue()


@job(queue="bookings", lane="high", on=BookingRescheduled, atomic=True)
def process_booking_reschedule(booking_id: UUID, previous_start: datetime, sequence: int) -> None:
    """All that follows the move of a booking: both sides hear the old and the new time, the reminder moves along."""
    notifications.cancel_reminders(booking_id, before_sequence=sequence)
    booking = queries.booking(booking_id)
    tell, tell_attendee = notifications.send_booking_rescheduled_email, attendees.send_new_time_to_attendee
    group(
        *(tell.s(booking_id, side, previous_start, sequence) for side in Side),
        *(tell.s(booking_id, Side.HOST, previous_start, sequence, other.host_id) for other in booking.further_hosts),
        *(tell_attendee.s(booking_id, attendee.id, previous_start, sequence) for attendee in booking.attendees),
        notifications.schedule_booking_reminder.s(booking_id, sequence),
    ).enqueue()


@job(queue="bookings", lane="high", on=BookingCancelled, atomic=True)
def process_booking_cancellation(booking_id: UUID) -> None:
    """All that follows a cancellation: both sides hear of it, the reminder is taken back."""
    booking = queries.booking(booking_id)
    notifications.cancel_reminders(booking_id, before_sequence=booking.sequence)
    approvals.cancel_expiries(booking_id, before_sequence=booking.sequence)
    tell = notifications.send_booking_cancellation_email
    group(
        *(tell.s(booking_id, side) for side in Side),
        *(tell.s(booking_id, Side.HOST, other.host_id) for other in booking.further_hosts),
        *(attendees.send_cancellation_to_attendee.s(booking_id, attendee.id) for attendee in booking.attendees),
    ).enqueue()


@job(queue="email", lane="high", retry="notification")
def send_booking_confirmation_to_invitee(booking_id: UUID, resend: UUID | None = None, approval: int = 0) -> None:
    """Send the guest what was booked, with the invitation and the link to manage it.

    `resend` is a fresh id for each time that somebody asks for it to be sent again, `approval` the sequence that an
    approval gave the booking. One that does not stand any more is confirmed to nobody.
    """
    booking = booking_with_link(booking_id)
    if booking.is_confirmed:
        send_mail(messages.confirmation_to_invitee(booking, approval=approval, resend=resend))


@job(queue="email", retry="notification")
def send_booking_notification_to_organizer(booking_id: UUID, host_id: UUID | None = None, approval: int = 0) -> None:
    """Tell the host, or another one of several, who has booked, and what they answered; `approval` as above."""
    booking = queries.booking(booking_id)
    if booking.is_confirmed:
        host = booking.further_host(host_id)
        send_mail(messages.notification_to_organizer(booking, host=host, approval=approval))


@job(queue="bookings", lane="low")
def mark_no_shows() -> dict[str, int]:
    """Note who was to check in and did not, once their meeting has been over for a while; returns how many.

    What a host has said stands, and a host can correct what this says.
    """
    marked = 0
    while True:
        with transaction():
            batch = attendance.mark_no_shows(limit=NO_SHOWS_AT_ONCE)
        marked += len(batch)
        if len(batch) < NO_SHOWS_AT_ONCE:
            return {"marked": marked}


@job(queue="maintenance")
def cleanup_expired_access_tokens() -> dict[str, int]:
    """Take the guests' links that are past their life from bookings that are over, and give those to come new ones."""
    with transaction():
        access.date_undated_links()
    done = {"removed": 0, "renewed": 0}
    for name, work in (("removed", access.remove_expired_links), ("renewed", access.renew_expired_links)):
        batch = LINKS_AT_ONCE
        while batch == LINKS_AT_ONCE:
            with transaction():
                batch = work(limit=LINKS_AT_ONCE)
            done[name] += batch
    return done


@job(queue="maintenance", retry="never")
def monitor_booking_system_health() -> dict[str, Any]:
    """Look at how much is booked and how many guests wait for a confirmation; show it, and have it judged."""
    now = clock.now()
    with transaction():
        rate = queries.booking_rate(now)
        late = queries.late_confirmations(now, after=timedelta(minutes=settings().alert_confirmation_minutes))
        publish(BookingHealthSeen(late_confirmations=late, made=rate.day, made_week_before=rate.day_week_before))
    measures.set_gauge("bookings_made", rate.hour, period="hour", week="this")
    measures.set_gauge("bookings_made", rate.day, period="day", week="this")
    measures.set_gauge("bookings_made", rate.hour_week_before, period="hour", week="before")
    measures.set_gauge("bookings_made", rate.day_week_before, period="day", week="before")
    measures.set_gauge("late_confirmations", late)
    return {"rate": rate._asdict(), "late_confirmations": late}


@job(queue="maintenance", lane="low")
def remove_expired_holds() -> None:
    """Tidy away what was held and has run out; it was free from that instant on, so this frees nothing."""
    while expired := queries.expired_holds(limit=HOLDS_AT_ONCE):
        for hold in expired:
            with transaction():
                holds.free(hold=hold)
