"""What becomes free goes to who waits for it: it is offered in the very transaction that frees it, so that no passer-by
comes in between. Jobs look again at what became free in any other way.

An offer is a hold, so nobody else can have the time meanwhile. Whoever holds the hosts' locks never waits for an entry:
one that somebody else has locked is about to leave the line, or has its offer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import chain
from uuid import UUID

from sqlalchemy import ColumnElement, select

from webapp.core import clock, crypto
from webapp.core.db import savepoint, session
from webapp.core.events import publish
from webapp.core.settings import settings
from webapp.scheduling import queries
from webapp.scheduling.errors import StartRefused
from webapp.scheduling.events import WaitlistOffered
from webapp.scheduling.models import EventType, Hold, WaitlistEntry, WaitStatus
from webapp.scheduling.service.diaries import LONGEST_MEETING, possible_hosts
from webapp.scheduling.service.keeping import keep
from webapp.scheduling.service.meetings import hosts_turn
from webapp.scheduling.service.offers import starts_by_now

_LONGEST_MEETING = timedelta(minutes=LONGEST_MEETING)
# To ask once more costs about as much as to work out the days between.
_NEAR = timedelta(days=14)
_SHORTEST_OFFER = timedelta(minutes=10)
# A time that was offered stays held when the offer is over, so that it goes to the next in line and not to whoever
# comes by until a job has seen to that: one of its own, or the one that tidies up the waitlists every five minutes. If
# none does for so long, it is free to everybody, and an alert tells of it.
OFFERS_END_WITHIN = timedelta(minutes=10)


@contextmanager
def turn_to_free(host_ids: Iterable[UUID]) -> Iterator[bool]:
    """Let the block free time of these hosts while it is their turn, and offer what is free then to those in line.

    Each has one offer, first come first served; publishes WaitlistOffered for each. The locks of all who could host
    what is waited for are taken with those of the hosts, in one go. What the block is told, and what is raised, is as
    of `hosts_turn`.
    """
    hosts = set(host_ids)
    line = queries.waiting(host_ids=hosts) if queries.somebody_waits(host_ids=hosts) else []
    waited_for = {entry.event_type_id: entry.event_type for entry in line}
    with hosts_turn(hosts.union(*map(possible_hosts, waited_for.values()))) as was_long:
        yield was_long
        session().flush()
        _award(line)


def offer_what_is_free(*, host_ids: Iterable[UUID]) -> None:
    """Offer what time of these hosts is free to those in line. Raises BusyHost."""
    with turn_to_free(host_ids):
        pass


def next_chance(*, host_ids: Iterable[UUID]) -> datetime | None:
    """Return when time of these hosts that is held for a form now, and that somebody in line may want, is free again by
    itself; None when there is none. What an offer holds is passed on at its end anyway.
    """
    line = queries.waiting(host_ids=set(host_ids))
    if not line:
        return None
    return queries.next_expiry(
        host_ids={host.id for entry in line for host in entry.event_type.hosts},
        begin=min(entry.wanted_from for entry in line) - _LONGEST_MEETING,
        until=max(entry.wanted_until for entry in line) + _LONGEST_MEETING,
        but_offers=True,
    )


def lock_entry(entry: WaitlistEntry, *expected: WaitStatus | ColumnElement[bool], skip_locked: bool = False) -> bool:
    """Read the entry anew and let nobody else change it until the commit; False when it is not as expected any more.

    Of the statuses that are named, it has to be in one, and what else is named has to be true. With
    `skip_locked` it is not as expected either when somebody else is about to change it.
    """
    statuses = [one for one in expected if isinstance(one, WaitStatus)]
    conditions = [one for one in expected if not isinstance(one, WaitStatus)]
    found = session().scalar(
        select(WaitlistEntry)
        .where(WaitlistEntry.id == entry.id, WaitlistEntry.status.in_(statuses), *conditions)
        .with_for_update(of=WaitlistEntry, skip_locked=skip_locked),
        execution_options={"populate_existing": True},
    )
    return found is not None


def length_of(entry: WaitlistEntry) -> int:
    """Return how long the meeting takes: as wished, or as usual if there is no such length any more."""
    durations = entry.event_type.durations
    return entry.duration if entry.duration in durations else durations[0]


def _award(line: Sequence[WaitlistEntry]) -> None:
    """Offer what is free to each of the line in turn; every offer changes what is free for the others."""
    free: dict[tuple[UUID, int], list[datetime]] = {}
    for number, entry in enumerate(line):
        wish = _wish(entry)
        if wish not in free:
            free[wish] = _free_starts([each for each in line[number:] if _wish(each) == wish])
        start = next((start for start in free[wish] if entry.wanted_from <= start < entry.wanted_until), None)
        if start is not None and _offer(entry, start):
            free.clear()


def _wish(entry: WaitlistEntry) -> tuple[UUID, int]:
    """Return of what event type and how long the meeting is to be."""
    return entry.event_type_id, length_of(entry)


def _free_starts(alike: Sequence[WaitlistEntry]) -> list[datetime]:
    """Return what is free while anybody wants it of these, who wish for the same kind of meeting, in order."""
    event_type, duration = alike[0].event_type, length_of(alike[0])
    wanted = stretches((entry.wanted_from, entry.wanted_until) for entry in alike)
    found = (
        starts_by_now(event_type=event_type, duration=duration, begin=begin, until=until) for begin, until in wanted
    )
    return list(chain.from_iterable(found))


def stretches(spans: Iterable[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """Join spans of time that overlap or are near each other; return them in order.

    Those who wait may do so for days two years apart, and others wait for the hosts' turn meanwhile.
    """
    joined: list[tuple[datetime, datetime]] = []
    for begin, until in sorted(spans):
        if joined and begin - joined[-1][1] <= _NEAR:
            joined[-1] = (joined[-1][0], max(joined[-1][1], until))
        else:
            joined.append((begin, until))
    return joined


def _offer(entry: WaitlistEntry, start: datetime) -> bool:
    """Hold the time for this entry; False when somebody was quicker, with the time or with the entry."""
    until = _deadline(entry.event_type, start)
    try:
        with savepoint():
            if not lock_entry(entry, WaitStatus.WAITING, skip_locked=True):
                return False
            entry.status, entry.offered_start, entry.offer_expires_at = WaitStatus.OFFERED, start, until
            # Its guest answers by the entry's own link; nobody ever has the token of this hold.
            digest = crypto.digest(crypto.new_token())
            hold = Hold(token_digest=digest, expires_at=until + OFFERS_END_WITHIN, waitlist_entry_id=entry.id)
            keep(hold=hold, event_type=entry.event_type, start=start, duration=length_of(entry))
    except StartRefused:
        return False
    publish(WaitlistOffered(entry_id=entry.id))
    return True


def _deadline(event_type: EventType, start: datetime) -> datetime:
    """Return until when an offer holds: as long as the setting says, but half of what is left for booking at most, so
    that the next in line has a chance too. Ten minutes there are in any case, unless the meeting begins before.
    """
    now = clock.now()
    left = start - timedelta(minutes=event_type.minimum_notice) - now
    usual = timedelta(minutes=settings().waitlist_offer_minutes)
    return min(now + min(usual, max(left / 2, _SHORTEST_OFFER)), start)
