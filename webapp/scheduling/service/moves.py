"""How often guests may move a booking. Each move is told to everybody who takes part, so it is not without end.

Hosts are never bound by it, and their moves do not count.
"""

from __future__ import annotations

from webapp.scheduling.errors import MovedTooOften
from webapp.scheduling.models import Booking
from webapp.scheduling.queries.changes import moves_by_guest

MOST_MOVES = 20


def has_moved_enough(booking: Booking) -> bool:
    """True once its guest has moved the booking so often that only a host can move it, or ask for it to be moved."""
    # The sequence counts every move, so that of most bookings nothing else has to be asked.
    if booking.sequence < MOST_MOVES or booking.move_asked_at is not None:
        return False
    return moves_by_guest(booking.id) >= MOST_MOVES


def require_not_moved_enough(booking: Booking) -> None:
    """Raise MovedTooOften when only a host can move the booking any more."""
    if has_moved_enough(booking):
        raise MovedTooOften
