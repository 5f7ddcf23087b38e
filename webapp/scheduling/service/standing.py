"""How a booking stands at this moment, and so what can still become of it."""

from __future__ import annotations

from webapp.core import clock
from webapp.core.db import session
from webapp.scheduling.errors import AlreadyCancelled, AlreadyConfirmed, AlreadyDeclined, BookingOver
from webapp.scheduling.models import Booking, BookingStatus


def read_again(booking: Booking) -> None:
    """Read what may have changed while waiting for the hosts' turn, and keep others from changing it until the commit.

    A booking can change hosts, so the turn of those that it had does not keep everybody out. Its own row does.
    """
    columns = ["status", "starts_at", "ends_at", "meeting_id", "sequence", "was_confirmed", "host_id", "move_asked_at"]
    session().refresh(booking, columns, with_for_update={"key_share": True})


def can_change(booking: Booking) -> bool:
    """True while the booking stands and has not begun, so that it can be moved or cancelled."""
    return booking.stands and booking.starts_at > clock.now()


def require_changeable(booking: Booking) -> None:
    """Raise AlreadyCancelled, AlreadyDeclined or BookingOver when nothing about the booking changes any more."""
    if booking.status is BookingStatus.CANCELLED:
        raise AlreadyCancelled
    if booking.status is BookingStatus.DECLINED:
        raise AlreadyDeclined
    if booking.starts_at <= clock.now():
        raise BookingOver


def require_unanswered(booking: Booking) -> None:
    """Raise AlreadyConfirmed when there is nothing to answer (any more), else as `require_changeable`."""
    require_changeable(booking)
    if not booking.is_pending:
        raise AlreadyConfirmed
