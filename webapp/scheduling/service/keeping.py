"""Give a hold the time that it keeps, for a guest who fills in a form and for one in line alike."""

from __future__ import annotations

from datetime import datetime, timedelta

from webapp.core import clock
from webapp.scheduling.models import EventType, Hold
from webapp.scheduling.service.diaries import possible_hosts
from webapp.scheduling.service.meetings import hold_seat, hosts_turn, leave_held_seat
from webapp.scheduling.service.offers import chosen_duration, require_offered
from webapp.scheduling.service.turns import whose_turn

# Nobody takes longer to fill in a form; who keeps a time longer still has it like anybody who comes now.
_LONGEST_FORM = timedelta(hours=1)


def keep(
    *, hold: Hold, event_type: EventType, start: datetime, duration: int | None, instead_of: Hold | None = None
) -> Hold:
    """Give `hold`, which says for whom and until when, the meeting that begins at `start` (aware).

    `duration` and what is raised are as in `book`; `instead_of` is the guest's own hold, which goes.
    """
    length = chosen_duration(event_type, duration=duration)
    hold.organization_id, hold.event_type_id = event_type.organization_id, event_type.id
    hold.created_at = _since(instead_of)
    with hosts_turn(possible_hosts(event_type)):
        ways = require_offered(
            event_type=event_type, start=start, duration=length, hold=instead_of, asked_at=hold.created_at
        )
        if instead_of is not None:
            leave_held_seat(hold=instead_of)
        hosts = whose_turn(event_type=event_type, free=ways)
        hold_seat(hold=hold, event_type=event_type, start=start, duration=length, hosts=hosts)
    return hold


def _since(instead_of: Hold | None) -> datetime:
    """Return from when on the notice counts: for who keeps a time longer, from when they first had it."""
    now = clock.now()
    return max(instead_of.created_at, now - _LONGEST_FORM) if instead_of and instead_of.is_live else now
