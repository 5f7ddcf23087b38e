"""What of the hosts' time is gone for other things than meetings, in the slot engine's terms: UTC minutes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from uuid import UUID
from zoneinfo import ZoneInfo

from webapp.core.clock import find_zone
from webapp.scheduling import queries
from webapp.scheduling.minutes import DAY, minute_from, minute_of, moment_of
from webapp.scheduling.models import OutOfOffice, RecurringBlock
from webapp.scheduling.queries import Recurring
from webapp.scheduling.recurrence import recurs_on
from webapp.scheduling.slots import Span
from webapp.scheduling.slots.local_time import local_spans, past_midnight

_DATE_OF_MINUTE_0 = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Absences:
    """The hosts' blocks and days out of office: `blocked` and `away` are UTC minutes by the host's id."""

    out_of_office: Sequence[OutOfOffice]
    blocked: Mapping[UUID, Sequence[Span]]
    away: Mapping[UUID, Sequence[Span]]

    def gone(self, host_id: UUID) -> list[Span]:
        """Return all of the host's time in which no guest can come."""
        return [*self.blocked.get(host_id, ()), *self.away.get(host_id, ())]


def absences_between(host_ids: Collection[UUID], *, begin: int, until: int) -> Absences:
    """Return what keeps the hosts, and those who stand in for them, from taking guests between two UTC minutes."""
    first, last = dates_around(begin, until)
    blocks_of = partial(queries.blocks_of, begin=moment_of(begin), until=moment_of(until), first=first, last=last)
    found = [blocks_of(host_ids=host_ids)]
    out_of_office = []
    if found[0].somebody_is_away:
        out_of_office = queries.absences_of(host_ids=host_ids, first=first, last=last)
        if stand_ins := {absence.stand_in_id for absence in out_of_office if absence.stand_in_id} - set(host_ids):
            found.append(blocks_of(host_ids=stand_ins))
    blocked: dict[UUID, list[Span]] = defaultdict(list)
    for blocks in found:
        for block in blocks.once:
            blocked[block.host_id].append((minute_of(block.starts_at), minute_from(block.ends_at)))
        for again in blocks.recurring:
            blocked[again.host_id] += recurring_spans(again, first=first, last=last)
    away: dict[UUID, list[Span]] = defaultdict(list)
    for absence in out_of_office:
        away[absence.host_id].append(away_span(absence))
    return Absences(out_of_office, blocked, away)


def dates_around(begin: int, until: int) -> tuple[date, date]:
    """Return the first and the last date on which something may begin that matters between two UTC minutes."""
    # The evening before may last past midnight, and some zones are a day ahead or behind.
    return _date_at(begin - 2 * DAY), _date_at(until + DAY)


def recurring_spans(block: Recurring | RecurringBlock, *, first: date, last: date) -> Iterator[Span]:
    """Yield the times that a recurring block takes on the dates `first`..`last` and in the nights after them."""
    zone, hours = find_zone(block.timezone), [(block.start_minute, block.end_minute)]
    for day in recurs_on(block.rule, first=block.first_day, begin=first, until=last):
        if day not in block.except_days:
            yield from local_spans(zone, day, hours)
            yield from local_spans(zone, day + timedelta(days=1), past_midnight(hours))


def away_span(absence: OutOfOffice) -> Span:
    """Return when days out of office begin and end."""
    return days_span(find_zone(absence.timezone), absence.first_day, absence.last_day)


def days_span(zone: ZoneInfo, first: date, last: date) -> Span:
    """Return from when to when the dates `first`..`last`, both included, last in a zone."""
    begin, end = (datetime.combine(day, time(), zone) for day in (first, last + timedelta(days=1)))
    return minute_of(begin), minute_of(end)


def _date_at(minute: int) -> date:
    return _DATE_OF_MINUTE_0 + timedelta(days=minute // DAY)
