"""Whose turn it is, when several of a team are free."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from webapp.core import clock
from webapp.identity.models import User
from webapp.scheduling import queries
from webapp.scheduling.models import EventType
from webapp.scheduling.service.diaries import Lineup

_RECENT = timedelta(days=30)
_NEVER = datetime.min.replace(tzinfo=UTC)


def whose_turn(*, event_type: EventType, free: Sequence[Lineup]) -> tuple[User, ...]:
    """Return who hosts, of the lineups that are `free`; there is one at least.

    That is who comes first by priority; then who has the fewest bookings of the event type, from 30 days ago on; then
    who was booked longest ago; and then always the same one.
    """
    if len(free) == 1:
        return free[0].hosts
    priorities = {member.host_id: member.priority for member in event_type.team}
    booked = queries.bookings_in_turn(event_type_id=event_type.id, since=clock.now() - _RECENT)

    def turn(lineup: Lineup) -> tuple[int, int, datetime, UUID]:
        host_id = lineup.hosts[0].id
        count, last = booked.get(host_id, (0, _NEVER))
        return priorities[host_id], count, last, host_id

    return min(free, key=turn).hosts
