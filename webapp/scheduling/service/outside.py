"""What is remembered of a meeting at a time that is not its hosts' own, so that nobody asks them about it again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from webapp.scheduling import queries
from webapp.scheduling.minutes import minute_of
from webapp.scheduling.models import Booking
from webapp.scheduling.service.diaries import Lineup
from webapp.scheduling.service.offers import rules_for
from webapp.scheduling.slots import Refusal, refusals

# What makes a booking one that does not fit (service/impact.py). Notice, grid and limits are about what is offered.
_NOT_THEIR_TIME = frozenset({Refusal.OUTSIDE_AVAILABILITY, Refusal.BLOCKED})


def keep_outside(*, booking: Booking, ways: Sequence[Lineup]) -> None:
    """Keep the start of a booking that a host has just given its time in one of these `ways`, outside the rules.

    They were warned. A booking that is in their own time is left alone: should that change, they have not been asked.
    """
    start = minute_of(booking.starts_at)
    rules = replace(rules_for(booking.event_type), duration=booking.minutes)
    diaries = next(way.diaries for way in ways if set(way.hosts) == set(booking.hosts))
    if not _NOT_THEIR_TIME.isdisjoint(refusals(rules, diaries, now=start, start=start)):
        booking.kept_start = booking.starts_at


def keep_with_others(*, booking: Booking) -> None:
    """Keep the start of a booking that has joined a meeting of which the host keeps it: that has been decided."""
    if booking.event_type.is_group and queries.keeps_start(booking):
        booking.kept_start = booking.starts_at
