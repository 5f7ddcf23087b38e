"""What of hosts' time no guest can have for other reasons than meetings, with what it is called."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from webapp.scheduling import queries
from webapp.scheduling.minutes import minute_from, minute_of, moment_of
from webapp.scheduling.public_holidays import Holiday
from webapp.scheduling.service.absences import (
    Absences,
    absences_between,
    away_span,
    dates_around,
    recurring_spans,
)
from webapp.scheduling.service.team_week import days_off
from webapp.scheduling.slots import Span
from webapp.scheduling.slots.spans import merge, without


class Why(StrEnum):
    """Why no guest can come."""

    BLOCKED = "blocked"
    AWAY = "away"
    HOLIDAY = "holiday"


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptFree:
    """Some of a host's time, between two instants (aware); `words` are what the host calls it, if anything.

    A block that `recurs` comes again and again.
    """

    host_id: UUID
    starts_at: datetime
    ends_at: datetime
    why: Why
    words: str = ""
    recurs: bool = False
    holiday: Holiday | None = None


def kept_free(*, organization_id: UUID, host_ids: Collection[UUID], begins: datetime, ends: datetime) -> list[KeptFree]:
    """Return what keeps the hosts from taking guests between two instants (aware), soonest first.

    Holidays are those of their default schedules. What another organisation has noted has no words here. The number
    of queries is the same however many hosts there are.
    """
    begin, until = minute_of(begins), minute_from(ends)
    found = absences_between(host_ids, begin=begin, until=until)
    blocks = list(_blocks(organization_id, host_ids, begin, until))
    all_of_it = [
        *blocks,
        *_elsewhere(host_ids, found, blocks),
        *_away(organization_id, host_ids, found),
        *_holidays(organization_id, host_ids, begin, until),
    ]
    between = [each for each in all_of_it if each.starts_at < ends and each.ends_at > begins]
    return sorted(between, key=lambda each: (each.starts_at, each.ends_at))


def _blocks(organization_id: UUID, host_ids: Collection[UUID], begin: int, until: int) -> Iterator[KeptFree]:
    first, last = dates_around(begin, until)
    once, recurring = queries.named_blocks(
        organization_id=organization_id, host_ids=host_ids, begin=moment_of(begin), until=moment_of(until)
    )
    for block in once:
        span = minute_of(block.starts_at), minute_from(block.ends_at)
        yield _kept(block.host_id, span, Why.BLOCKED, words=block.title)
    for again in recurring:
        for span in merge(recurring_spans(again, first=first, last=last)):
            yield _kept(again.host_id, span, Why.BLOCKED, words=again.title, recurs=True)


def _elsewhere(host_ids: Collection[UUID], found: Absences, blocks: Collection[KeptFree]) -> Iterator[KeptFree]:
    """Yield the blocks that were noted in other organisations."""
    for host_id in host_ids:
        own = merge(_span(block) for block in blocks if block.host_id == host_id)
        for span in without(merge(found.blocked.get(host_id, ())), own):
            yield _kept(host_id, span, Why.BLOCKED)


def _away(organization_id: UUID, host_ids: Collection[UUID], found: Absences) -> Iterator[KeptFree]:
    for absence in found.out_of_office:
        if absence.host_id in host_ids:
            words = absence.note if absence.organization_id == organization_id else ""
            yield _kept(absence.host_id, away_span(absence), Why.AWAY, words=words)


def _holidays(organization_id: UUID, host_ids: Collection[UUID], begin: int, until: int) -> Iterator[KeptFree]:
    schedules = queries.default_schedules(organization_id=organization_id, host_ids=host_ids)
    for host_id, schedule in schedules.items():
        for span, holiday in days_off(schedule, begin, until):
            yield _kept(host_id, span, Why.HOLIDAY, holiday=holiday)


def _kept(
    host_id: UUID, span: Span, why: Why, *, words: str = "", recurs: bool = False, holiday: Holiday | None = None
) -> KeptFree:
    starts_at, ends_at = map(moment_of, span)
    return KeptFree(
        host_id=host_id,
        starts_at=starts_at,
        ends_at=ends_at,
        why=why,
        words=words,
        recurs=recurs,
        holiday=holiday,
    )


def _span(kept: KeptFree) -> Span:
    return minute_of(kept.starts_at), minute_of(kept.ends_at)
