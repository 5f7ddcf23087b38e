"""What follows a booking, its move and its end."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from jobs import approvals, attendees, notifications
from jobs.links import booking_with_link
from jobs.mailing import send_mail
from jobs.runtime import Postponed, group, job
from webapp.core import clock, crypto, measures
from webapp.core.db import transaction
from webapp.core.events import publish
from webapp.core.settings import settings
from webapp.scheduling import messages, queries, waitlist_messages
from webapp.scheduling.events import (
    BookingCancelled,
    BookingConfirmed,
    BookingDeclined,
    BookingHealthSeen,
    BookingMoveAsked,
    BookingRescheduled,
    PlaceFreed,
    WaitlistJoined,
    WaitlistOffered,
    WaitlistOfferLapsed,
)
from webapp.scheduling.models import Side, WaitStatus
from webapp.scheduling.service import access, attendance, awards, holds, waitlist
from webapp.scheduling.service.standing import can_change

NO_SHOWS_AT_ONCE = 200
LINKS_AT_ONCE = 500
HOLDS_AT_ONCE = 100


@job(queue="bookings", lane="high", on=BookingConfirmed, atomic=True)
def process_booking_confirmation(booking_id: UUID, sequence: int = 0) -> None:
    """All that follows a confirmed booking is listed here, and only here; `sequence` is 0 but for an approved one."""
    approvals.cancel_expiries(booking_id, before_sequence=sequence)
    booking, tell = queries.booking(booking_id), send_booking_notification_to_organizer
    told = [
        send_booking_confirmation_to_invitee.s(booking_id, approval=sequence),
        tell.s(booking_id, approval=sequence),
        *(tell.s(booking_id, other.host_id, approval=sequence) for other in booking.further_hosts),
        *(attendees.send_invitation_to_attendee.s(booking_id, each.id, sequence) for each in booking.attendees),
    ]
    group(
        *([] if booking.is_told_with_series(sequence) else told),
        notifications.schedule_booking_reminder.s(booking_id, sequence),
    ).enqueue()


@job(queue="bookings", lane="high", on=BookingRescheduled, atomic=True)
def process_booking_reschedule(booking_id: UUID, previous_start: datetime, sequence: int) -> None:
    """All that follows the move of a booking: both sides hear the old and the new time, the reminder moves along, who
    waits for the old time is offered it.
    """
    notifications.cancel_reminders(booking_id, before_sequence=sequence)
    booking = queries.booking(booking_id)
    tell, tell_attendee = notifications.send_booking_rescheduled_email, attendees.send_new_time_to_attendee
    group(
        *(tell.s(booking_id, side, previous_start, sequence) for side in Side),
        *(tell.s(booking_id, Side.HOST, previous_start, sequence, other.host_id) for other in booking.further_hosts),
        *(tell_attendee.s(booking_id, attendee.id, previous_start, sequence) for attendee in booking.attendees),
        notifications.schedule_booking_reminder.s(booking_id, sequence),
        process_waitlist_for_cancelled_booking.s(booking_id),
    ).enqueue()


@job(queue="bookings", lane="high", on=BookingCancelled, atomic=True)
def process_booking_cancellation(booking_id: UUID, together: bool = False) -> None:
    """All that follows a cancellation: both sides hear of it, the reminder is taken back, who waits is offered
    the time.

    Of bookings of a series that were cancelled `together`, `jobs.series` tells in one mail.
    """
    booking = queries.booking(booking_id)
    notifications.cancel_reminders(booking_id, before_sequence=booking.sequence)
    approvals.cancel_expiries(booking_id, before_sequence=booking.sequence)
    tell = notifications.send_booking_cancellation_email
    told = [
        *(tell.s(booking_id, side) for side in Side),
        *(tell.s(booking_id, Side.HOST, other.host_id) for other in booking.further_hosts),
        *(attendees.send_cancellation_to_attendee.s(booking_id, attendee.id) for attendee in booking.attendees),
    ]
    group(*([] if together else told), process_waitlist_for_cancelled_booking.s(booking_id)).enqueue()


@job(queue="email", lane="high", retry="notification", on=BookingMoveAsked)
def send_move_request_to_invitee(booking_id: UUID, asked_at: datetime) -> None:
    """Ask the guest to choose another time, unless the booking is kept, was moved or cancelled, or has begun."""
    booking = booking_with_link(booking_id)
    if can_change(booking) and booking.is_asked_to_move and booking.move_asked_at == asked_at:
        send_mail(messages.move_request_to_invitee(booking, asked_at))


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
    """Look at how much is booked, and who waits for a confirmation or in line; show it, and have it judged."""
    now = clock.now()
    with transaction():
        line = queries.waitlist_health(now, after=awards.OFFERS_END_WITHIN)
        rate = queries.booking_rate(now)
        late = queries.late_confirmations(now, after=timedelta(minutes=settings().alert_confirmation_minutes))
        publish(
            BookingHealthSeen(
                late_confirmations=late,
                late_offers=line.overdue,
                made=rate.day,
                made_week_before=rate.day_week_before,
            )
        )
    measures.set_gauge("bookings_made", rate.hour, period="hour", week="this")
    measures.set_gauge("bookings_made", rate.day, period="day", week="this")
    measures.set_gauge("bookings_made", rate.hour_week_before, period="hour", week="before")
    measures.set_gauge("bookings_made", rate.day_week_before, period="day", week="before")
    measures.set_gauge("late_confirmations", late)
    for state, number in line._asdict().items():
        measures.set_gauge("waitlist_entries", number, state=state)
    return {"rate": rate._asdict(), "late_confirmations": late, "waitlist": line._asdict()}


@job(queue="bookings", on=BookingDeclined)
def process_waitlist_for_cancelled_booking(booking_id: UUID) -> None:
    """Look again at the time that a booking gave up, by its end, its move or a no, and offer it to those in line."""
    booking = queries.booking(booking_id)
    offer_what_is_free({host.id for host in (*booking.hosts, *booking.event_type.hosts)})


@job(queue="bookings", on=PlaceFreed, atomic=True)
def process_waitlist(host_ids: list[UUID]) -> None:
    """Offer what time of these hosts is free to those in line, and look again once what is only held may be free."""
    awards.offer_what_is_free(host_ids=host_ids)
    if again := awards.next_chance(host_ids=host_ids):
        hosts = crypto.digest(",".join(sorted(map(str, host_ids))))
        process_waitlist.once_at(again, f"waitlist:{hosts}:{again.isoformat()}", host_ids)


@job(queue="bookings", on=WaitlistJoined, atomic=True)
def process_waitlist_entry(entry_id: UUID) -> None:
    """All that follows when somebody joins a waitlist: they hear of it, and what they wait for is looked at again."""
    entry = queries.waitlist_entry(entry_id)
    send_waitlist_joined_email.enqueue(entry_id)
    process_waitlist.enqueue([host.id for host in entry.event_type.hosts])


@job(queue="bookings", lane="high", on=WaitlistOffered, atomic=True)
def process_waitlist_offer(entry_id: UUID) -> None:
    """All that follows an offer: its guest hears of it, and when its time is over it goes to the next in line."""
    entry = queries.waitlist_entry(entry_id)
    send_waitlist_notification.enqueue(entry_id)
    if entry.offer_expires_at is not None:
        expire_waitlist_offer.once_at(entry.offer_expires_at, f"waitlist:{entry_id}:expiry", entry_id)


@job(queue="bookings", atomic=True)
def expire_waitlist_offer(entry_id: UUID) -> None:
    """End an offer that nobody answered in time; the next in line has it then."""
    entry = queries.waitlist_entry(entry_id)
    if entry.status is WaitStatus.OFFERED and entry.offer_expires_at is not None:
        early = (entry.offer_expires_at - clock.now()).total_seconds()
        if early > 0:
            raise Postponed(early)  # no two machines have quite the same time
    waitlist.lapse(entry=entry)


@job(queue="email", lane="high", retry="notification")
def send_waitlist_notification(entry_id: UUID) -> None:
    """Send who is first in line the offer, with the link to take it or pass it on, unless it is over by now."""
    entry = queries.waitlist_entry(entry_id)
    if entry.status is WaitStatus.OFFERED:
        send_mail(waitlist_messages.offer(entry))


@job(queue="email", retry="notification")
def send_waitlist_joined_email(entry_id: UUID) -> None:
    """Tell who joined a waitlist their place in line, unless they have an offer or left by now."""
    entry = queries.waitlist_entry(entry_id)
    if entry.status is WaitStatus.WAITING:
        send_mail(waitlist_messages.joined(entry, place=waitlist.position(entry)))


@job(queue="email", retry="notification", on=WaitlistOfferLapsed)
def send_waitlist_offer_expired_email(entry_id: UUID) -> None:
    """Tell who did not answer an offer in time that it has gone to the next in line."""
    send_mail(waitlist_messages.offer_expired(queries.waitlist_entry(entry_id)))


@job(queue="maintenance")
def cleanup_expired_waitlist_entries() -> None:
    """Do what any other job of the waitlist may have left undone: end what is over, and offer what is free."""
    for entry_id in queries.overdue_offers():
        with transaction():
            waitlist.lapse(entry=queries.waitlist_entry(entry_id))
    with transaction():
        waitlist.end_what_has_passed()
    for event_type in queries.waited_for():
        offer_what_is_free([host.id for host in event_type.hosts])


def offer_what_is_free(host_ids: Collection[UUID]) -> None:
    """Offer time of these hosts to those in line, until there is none that anybody waits for."""
    with transaction():
        awards.offer_what_is_free(host_ids=host_ids)


@job(queue="maintenance", lane="low")
def remove_expired_holds() -> None:
    """Tidy away what was held and has run out; it was free from that instant on, so this frees nothing."""
    while expired := queries.expired_holds(limit=HOLDS_AT_ONCE):
        for hold in expired:
            with transaction():
                holds.free_hold(hold=hold)
