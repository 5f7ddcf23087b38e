"""What becomes of a request: a host approves or declines it, or its time comes before anybody has.

Whoever is first decides; the others are told what the booking has become.
"""

from __future__ import annotations

from datetime import datetime

from webapp.core import clock
from webapp.core.events import publish
from webapp.scheduling.errors import MovedMeanwhile
from webapp.scheduling.events import BookingConfirmed, BookingDeclined
from webapp.scheduling.models import Booking, BookingStatus, Side
from webapp.scheduling.service.awards import turn_to_free
from webapp.scheduling.service.meetings import hosts_turn, leave_seat
from webapp.scheduling.service.standing import read_again, require_unanswered


def approve(*, booking: Booking, start: datetime | None = None) -> Booking:
    """Have the requested meeting take place, raise its sequence and publish BookingConfirmed.

    `start` (aware) is the time that the host has seen and means; a guest may move the request while they look at it.
    Raises AlreadyConfirmed, AlreadyCancelled, AlreadyDeclined, BookingOver, MovedMeanwhile and BusyHost.
    """
    with hosts_turn([booking.host_id]):
        read_again(booking)
        _require_unanswered_at(booking, start)
        confirm(booking)
    return booking


def confirm(booking: Booking) -> None:
    """Confirm a request, which the caller has found pending and holds, and publish BookingConfirmed."""
    booking.status, booking.was_confirmed = BookingStatus.CONFIRMED, True
    booking.sequence += 1
    publish(BookingConfirmed(booking_id=booking.id, sequence=booking.sequence))


def decline(*, booking: Booking, reason: str, start: datetime | None = None) -> Booking:
    """Refuse the request in the host's name, free its time, offer that to who waits for it, raise its sequence and
    publish BookingDeclined.

    `start` is as in `approve`, and so is what is raised.
    """
    with turn_to_free(host.id for host in booking.hosts):
        read_again(booking)
        _require_unanswered_at(booking, start)
        _decline(booking, by=Side.HOST, reason=reason)
    return booking


def expire(*, booking: Booking) -> Booking:
    """Decline, by nobody, a request whose time has come without an answer; leave every other booking as it is.

    Raises BusyHost.
    """
    with hosts_turn(host.id for host in booking.hosts):
        read_again(booking)
        if booking.is_pending and booking.starts_at <= clock.now():
            _decline(booking, by=None, reason="")
    return booking


def _require_unanswered_at(booking: Booking, start: datetime | None) -> None:
    require_unanswered(booking)
    if start is not None and booking.starts_at != start:
        raise MovedMeanwhile


def _decline(booking: Booking, *, by: Side | None, reason: str) -> None:
    leave_seat(booking=booking)
    booking.status, booking.meeting_id = BookingStatus.DECLINED, None
    booking.sequence += 1
    booking.declined_at, booking.declined_by, booking.decline_reason = clock.now(), by, reason
    publish(BookingDeclined(booking_id=booking.id))
