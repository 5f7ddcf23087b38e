"""By what version of everything the open times of an event type are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, CompoundSelect, Select, Uuid, bindparam, func, literal, or_, select, union

from webapp.core.db import session
from webapp.scheduling.models import EVERY_WEEK, EventHost, EventType, OutOfOffice, Schedule, availability_version

_OF_EVENT_TYPE = EVERY_WEEK - 1

_row = availability_version.c


@dataclass(frozen=True, slots=True)
class Versions:
    """Of an event type itself, and of its hosts and their schedules: in general, and by the week.

    Each is a sum of digests, one of every version: of 64 bits, it is another one whenever any of them is, and whenever
    they are those of others, who stand in for a host.
    """

    event_type: int
    general: int
    weeks: dict[int, int]

    @classmethod
    def of(cls, found: dict[int, int]) -> Versions:
        """Return what was found, by the week; what never changed has 0."""
        weeks = dict(found)
        return cls(weeks.pop(_OF_EVENT_TYPE, 0), weeks.pop(EVERY_WEEK, 0), weeks)

    def stamp(self, weeks: range) -> str:
        """Return what is different whenever anything is that concerns these weeks."""
        concerned = self.general + sum(self.weeks.get(week, 0) for week in weeks)
        return f"{self.event_type}.{concerned % 2**64:x}"


def availability_versions(event_type_id: UUID, *, weeks: range) -> Versions:
    """Return the versions that concern an event type in these weeks; what never changed has 0."""
    asked = {"event_type_id": event_type_id, "first": weeks.start, "last": weeks.stop - 1}
    return Versions.of({week: int(version) for week, version in session().execute(_STATEMENT, asked)})


def select_versions(event_type_id: ColumnElement[UUID]) -> CompoundSelect[int, Any]:
    """Select what `Versions.of` takes, all at once and as of one moment: weeks from `first` to `last`, and versions."""
    own = select(literal(_OF_EVENT_TYPE), _row.version).where(_row.subject_id == event_type_id, _row.week == EVERY_WEEK)
    concerned = or_(_row.week == EVERY_WEEK, _row.week.between(bindparam("first"), bindparam("last")))
    others = (
        select(_row.week, func.sum(func.hash_record_extended(func.row(_row.subject_id, _row.week, _row.version), 0)))
        .where(_row.subject_id.in_(_subjects(event_type_id)), concerned)
        .group_by(_row.week)
    )
    return own.union_all(others)


def _subjects(event_type_id: ColumnElement[UUID]) -> Select[UUID]:
    """Select who may host the event type, whether or not they do just now, and the schedules they go by.

    Among them are those who stand in for a host, on whatever days, and all schedules of theirs.
    """
    own, team = EventType.id == event_type_id, EventHost.event_type_id == event_type_id
    stand_ins = select(OutOfOffice.stand_in_id).join(EventType, EventType.host_id == OutOfOffice.host_id).where(own)
    subjects = union(
        select(EventType.host_id).where(own),
        select(EventType.schedule_id).where(own),
        select(EventHost.host_id).where(team),
        select(EventHost.schedule_id).where(team),
        stand_ins,
        select(Schedule.id).where(Schedule.host_id.in_(stand_ins)),
    ).subquery()
    return select(subjects.c[0])


# Made once: it is asked for with every look at what can be booked.
_STATEMENT = select_versions(bindparam("event_type_id", type_=Uuid()))
