"""Until when guests may cancel and move what they booked. Hosts are never bound by it.

Nor is a guest whose host has asked for another time: what a host asks for can be done, or called off instead. A request
that was never approved binds nobody, so it can be withdrawn and moved at any time. One that waits for approval anew,
since its guest has moved it, is bound as before: else moving would be the way around the terms.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from webapp.core import clock
from webapp.scheduling.errors import TooLateToCancel, TooLateToMove
from webapp.scheduling.models import Booking
from webapp.scheduling.service.moves import has_moved_enough
from webapp.scheduling.service.standing import can_change


def can_cancel(booking: Booking) -> bool:
    """True while its guest may cancel the booking."""
    return can_change(booking) and _in_time(booking, booking.event_type.cancel_notice)


def can_reschedule(booking: Booking) -> bool:
    """True while its guest may move the booking."""
    return (
        can_change(booking)
        and _in_time(booking, booking.event_type.reschedule_notice)
        and not has_moved_enough(booking)
    )


def require_in_time_to_cancel(booking: Booking) -> None:
    """Raise TooLateToCancel when its guest may not cancel the booking, which can still be changed, any more."""
    if not _in_time(booking, booking.event_type.cancel_notice):
        raise TooLateToCancel


def require_in_time_to_move(booking: Booking) -> None:
    """Raise TooLateToMove when its guest may not move the booking, which can still be changed, any more."""
    if not _in_time(booking, booking.event_type.reschedule_notice):
        raise TooLateToMove


def deadline(booking: Booking, notice: int | None) -> datetime | None:
    """Return until when a change may be made that takes so many minutes' notice, in UTC; None when it never may."""
    return None if notice is None else booking.starts_at - timedelta(minutes=notice)


def binds(booking: Booking) -> bool:
    """True when the event type's terms say until when its guest may cancel and move the booking."""
    return booking.was_confirmed and booking.move_asked_at is None


def _in_time(booking: Booking, notice: int | None) -> bool:
    latest = deadline(booking, notice)
    return not binds(booking) or (latest is not None and clock.now() <= latest)
