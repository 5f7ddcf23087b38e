"""Keep a time for somebody who fills in the form: others see it as taken, until it is booked, let go or runs out.

No job frees a hold that has run out. Whoever looks at a diary leaves it out from that very instant, and whoever takes
its place removes it under the hosts' lock.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select

from webapp.core import clock, crypto
from webapp.core.db import session
from webapp.core.errors import NotFound
from webapp.core.settings import settings
from webapp.core.words import say
from webapp.scheduling import queries
from webapp.scheduling.errors import TooManyHolds
from webapp.scheduling.models import EventType, Hold
from webapp.scheduling.service.awards import turn_to_free
from webapp.scheduling.service.keeping import keep
from webapp.scheduling.service.meetings import hosts_turn, leave_held_seat


def hold_time(
    *,
    event_type: EventType,
    start: datetime,
    token: str,
    holder: str,
    duration: int | None = None,
    instead_of: Hold | None = None,
) -> Hold:
    """Keep the meeting that begins at `start` (aware) for a guest, for HOLD_MINUTES.

    The `token`, a fresh one that only the guest knows, books what is held or lets it go. `holder` says from where the
    guest comes; HOLDS_PER_ADDRESS are kept for one at a time. `instead_of` is the guest's own hold, which goes: so a
    time can be kept longer, also when the notice has passed meanwhile. `duration` is as in `book`. Raises what `book`
    raises about the start, the duration and the event type, and TooManyHolds.
    """
    if not event_type.is_active:
        raise NotFound(say("There is nothing to book at this address."))
    _require_few(holder, instead_of)
    until = min(clock.now() + timedelta(minutes=settings().hold_minutes), start)
    hold = Hold(token_digest=crypto.digest(token), holder=holder, expires_at=until)
    return keep(hold=hold, event_type=event_type, start=start, duration=duration, instead_of=instead_of)


def let_go(*, token: str) -> None:
    """Free what the token keeps, for who waits for it first; nothing happens when that was booked, let go or removed
    before. Raises BusyHost.
    """
    hold = session().scalar(select(Hold).where(Hold.token_digest == crypto.digest(token)))
    if hold is not None:
        with turn_to_free(queries.hosts_of(meeting_id=hold.meeting_id)):
            leave_held_seat(hold=hold)


def free_hold(*, hold: Hold) -> None:
    """Tidy away what was held and has run out; once only. Raises BusyHost."""
    with hosts_turn(queries.hosts_of(meeting_id=hold.meeting_id)):
        leave_held_seat(hold=hold)


def _require_few(holder: str, instead_of: Hold | None) -> None:
    """Raise TooManyHolds for a holder who keeps as many times as one may; two who ask at once ask one after the other,
    and for their own lock before any host's.
    """
    session().execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"holder:{holder}", 0))))
    kept = queries.live_holds(holder=holder, other_than=instead_of.id if instead_of else None)
    if kept >= settings().holds_per_address:
        raise TooManyHolds
