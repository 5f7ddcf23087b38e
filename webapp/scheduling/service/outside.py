"""Meetings at times that are not on offer, as hosts may book them: what they are told, and what is remembered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from webapp.scheduling import queries
from webapp.scheduling.errors import NoRoom, SlotTaken
from webapp.scheduling.minutes import minute_of
from webapp.scheduling.models import Booking, EventType
from webapp.scheduling.service.diaries import Lineup
from webapp.scheduling.service.offers import broken_rules, rules_for
from webapp.scheduling.slots import Refusal, refusals

# What makes a booking one that does not fit (service/impact.py). Notice, grid and limits are about what is offered.
_NOT_THEIR_TIME = frozenset({Refusal.OUTSIDE_AVAILABILITY, Refusal.BLOCKED})


def passed_over(
    *, event_type: EventType, start: datetime, duration: int | None = None, moving: Booking | None = None
) -> list[Refusal]:
    """Return what a host passes over who has a meeting begin at `start` (aware) all the same, as `broken_rules` does.

    Raises the StartRefused that says why not even a host can.
    """
    with telling_hosts(outside_rules=True):
        return broken_rules(event_type=event_type, start=start, duration=duration, moving=moving)


@contextmanager
def telling_hosts(*, outside_rules: bool) -> Iterator[None]:
    """Raise NoRoom for SlotTaken within the block, if it is `outside_rules`.

    Nobody has just been faster, as guests are told: in the host's own diary, a break looks free.
    """
    try:
        yield
    except SlotTaken as taken:
        if outside_rules:
            raise NoRoom from taken
        raise


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
