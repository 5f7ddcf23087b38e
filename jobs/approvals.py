"""What follows a request for a booking: its host is asked, and it ends when its time comes without an answer."""

from __future__ import annotations

from uuid import UUID

from jobs.links import booking_with_link
from jobs.mailing import send_mail
from jobs.runtime import Postponed, cancel_all, group, job
from webapp.core import clock
from webapp.scheduling import messages, queries
from webapp.scheduling.events import BookingDeclined, BookingRequested
from webapp.scheduling.models import Side
from webapp.scheduling.service.approval import expire


@job(queue="bookings", lane="high", on=BookingRequested, atomic=True)
def process_booking_request(booking_id: UUID, sequence: int) -> None:
    """All that follows a request, new or at a new time: both sides hear of it, and it expires with its start."""
    cancel_expiries(booking_id, before_sequence=sequence)
    booking = queries.booking(booking_id, hold=True)
    if not booking.is_pending or booking.sequence != sequence:
        return
    expire_booking_request.once_at(booking.starts_at, _expiry_key(booking_id, sequence), booking_id, sequence)
    if booking.is_told_with_series(sequence):
        return
    ask = send_booking_request_email
    group(
        *(ask.s(booking_id, side, sequence) for side in Side),
        *(ask.s(booking_id, Side.HOST, sequence, other.host_id) for other in booking.further_hosts),
    ).enqueue()


@job(queue="bookings", lane="high", on=BookingDeclined, atomic=True)
def process_booking_decline(booking_id: UUID) -> None:
    """All that follows a request that was declined or has expired: both sides hear of it."""
    booking = queries.booking(booking_id)
    cancel_expiries(booking_id, before_sequence=booking.sequence)
    tell = send_booking_declined_email
    group(
        *(tell.s(booking_id, side) for side in Side),
        *(tell.s(booking_id, Side.HOST, other.host_id) for other in booking.further_hosts),
    ).enqueue()


@job(queue="bookings", lane="high", atomic=True)
def expire_booking_request(booking_id: UUID, sequence: int) -> None:
    """Decline the request as it stood after its `sequence`-th change, unless it was answered, moved or withdrawn."""
    booking = queries.booking(booking_id)
    early = (booking.starts_at - clock.now()).total_seconds()
    if early > 0 and booking.is_pending and booking.sequence == sequence:
        raise Postponed(early)  # no two machines have quite the same time
    expire(booking=booking)


@job(queue="email", lane="high", retry="notification")
def send_booking_request_email(booking_id: UUID, side: Side, sequence: int, host_id: UUID | None = None) -> None:
    """Tell the guest that the host was asked, or ask a host, unless it was answered or has moved on since.

    `host_id` names another host than the first.
    """
    booking = booking_with_link(booking_id)
    if not booking.is_pending or booking.sequence != sequence:
        return
    if side is Side.GUEST:
        send_mail(messages.request_to_invitee(booking))
    else:
        send_mail(messages.request_to_organizer(booking, host=booking.further_host(host_id)))


@job(queue="email", lane="high", retry="notification")
def send_booking_declined_email(booking_id: UUID, side: Side, host_id: UUID | None = None) -> None:
    """Tell one side that a request was not approved; `host_id` names another host than the first."""
    booking = queries.booking(booking_id)
    if side is Side.GUEST:
        send_mail(messages.declined_to_invitee(booking))
    else:
        send_mail(messages.declined_to_organizer(booking, host=booking.further_host(host_id)))


def cancel_expiries(booking_id: UUID, *, before_sequence: int) -> None:
    """Take back, in the caller's transaction, the ends of all requests that the booking was before that change."""
    earlier = (_expiry_key(booking_id, sequence) for sequence in range(before_sequence))
    cancel_all(expire_booking_request, unique_keys=earlier)


def _expiry_key(booking_id: UUID, sequence: int) -> str:
    return f"booking:{booking_id}:expiry:{sequence}"
