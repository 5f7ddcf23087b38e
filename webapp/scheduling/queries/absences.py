"""What keeps hosts from taking guests beside their meetings: blocks, once and recurring, and days out of office."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BindParameter, CompoundSelect, Select, and_, bindparam, cast, null, or_, select, union_all

from webapp.core.db import session
from webapp.core.errors import NotFound
from webapp.core.scope import find_scoped, scoped
from webapp.identity.models import Membership, User
from webapp.scheduling.models import BlockedTime, OutOfOffice, RecurringBlock, Schedule


class Once(NamedTuple):
    """When a host takes no guests, between two instants (aware)."""

    host_id: UUID
    starts_at: datetime
    ends_at: datetime


class Recurring(NamedTuple):
    """When a host takes no guests again and again, as `RecurringBlock` says."""

    host_id: UUID
    timezone: str
    first_day: date
    start_minute: int
    end_minute: int
    rule: str
    except_days: list[date]


class Blocks(NamedTuple):
    """What hosts have blocked, and whether one of them is out of office, of which `absences_of` knows more."""

    once: list[Once]
    recurring: list[Recurring]
    somebody_is_away: bool


def blocks_of(*, host_ids: Collection[UUID], begin: datetime, until: datetime, first: date, last: date) -> Blocks:
    """Return the hosts' blocks between two instants (aware) and the recurring ones that have begun by the date `last`,
    in whatever organisation they were noted; and whether anybody is away on the dates `first`..`last`.

    A host is one person everywhere; so it is below.
    """
    asked = {"host_ids": list(host_ids), "begin": begin, "until": until, "first": first, "last": last}
    once, recurring, away = [], [], False
    for host_id, starts_at, ends_at, *recurs in session().execute(_BLOCKS, asked):
        if starts_at is not None:
            once.append(Once(host_id, starts_at, ends_at))
        elif recurs[0] is not None:
            recurring.append(Recurring(host_id, *recurs))
        else:
            away = True
    return Blocks(once, recurring, away)


def absences_of(*, host_ids: Collection[UUID], first: date, last: date) -> list[OutOfOffice]:
    """Return when the hosts, and whoever stands in for one of them, are out of office on the dates `first`..`last`."""
    return list(session().scalars(_ABSENCES, {"host_ids": list(host_ids), "first": first, "last": last}))


def default_schedules(*, organization_id: UUID, host_ids: Iterable[UUID]) -> dict[UUID, Schedule]:
    """Return the default schedule of each of these hosts who is an active member and has one, by their ids."""
    statement = (
        scoped(Schedule, organization_id)
        .join(
            Membership,
            and_(Membership.user_id == Schedule.host_id, Membership.organization_id == Schedule.organization_id),
        )
        .join(User, User.id == Schedule.host_id)
        .where(Schedule.host_id.in_(host_ids), User.is_active)
        .order_by(Schedule.is_default, Schedule.id.desc())  # of each host, the default comes last, and stays
    )
    return {schedule.host_id: schedule for schedule in session().scalars(statement)}


def blocked_times(*, organization_id: UUID, host_id: UUID | None, after: datetime) -> list[BlockedTime]:
    """Return the blocked times (of that host, if one is named) that end after an instant (aware), soonest first."""
    statement = scoped(BlockedTime, organization_id).where(BlockedTime.ends_at > after)
    if host_id is not None:
        statement = statement.where(BlockedTime.host_id == host_id)
    return list(session().scalars(statement.order_by(BlockedTime.starts_at, BlockedTime.id)))


def recurring_blocks(*, organization_id: UUID, host_id: UUID | None) -> list[RecurringBlock]:
    """Return the recurring blocks (of that host, if one is named), oldest first."""
    statement = scoped(RecurringBlock, organization_id).order_by(RecurringBlock.id)
    if host_id is not None:
        statement = statement.where(RecurringBlock.host_id == host_id)
    return list(session().scalars(statement))


def absences(*, organization_id: UUID, host_id: UUID | None, after: date) -> list[OutOfOffice]:
    """Return the days out of office (of that host, if one is named) that end on a date or later, soonest first."""
    statement = scoped(OutOfOffice, organization_id).where(OutOfOffice.last_day >= after)
    if host_id is not None:
        statement = statement.where(OutOfOffice.host_id == host_id)
    return list(session().scalars(statement.order_by(OutOfOffice.first_day, OutOfOffice.id)))


def get_blocked_time(organization_id: UUID, block_id: UUID, *, host_id: UUID | None = None) -> BlockedTime:
    """Return a blocked time of the organisation (of that host, if one is named); raises NotFound."""
    found = find_scoped(BlockedTime, organization_id=organization_id, id=block_id)
    if host_id is not None and found.host_id != host_id:
        raise NotFound
    return found


def get_recurring_block(organization_id: UUID, block_id: UUID, *, host_id: UUID | None = None) -> RecurringBlock:
    """Return a recurring block of the organisation (of that host, if one is named); raises NotFound."""
    found = find_scoped(RecurringBlock, organization_id=organization_id, id=block_id)
    if host_id is not None and found.host_id != host_id:
        raise NotFound
    return found


def get_absence(organization_id: UUID, absence_id: UUID, *, host_id: UUID | None = None) -> OutOfOffice:
    """Return days out of office of the organisation (of that host, if one is named); raises NotFound."""
    found = find_scoped(OutOfOffice, organization_id=organization_id, id=absence_id)
    if host_id is not None and found.host_id != host_id:
        raise NotFound
    return found


def _absences() -> Select[OutOfOffice]:
    theirs = OutOfOffice.host_id.in_(_HOST_IDS)
    stand_ins = select(OutOfOffice.stand_in_id).where(theirs, *_AWAY)
    return (
        select(OutOfOffice)
        .where(or_(theirs, OutOfOffice.host_id.in_(stand_ins)), *_AWAY)
        .order_by(OutOfOffice.first_day, OutOfOffice.id)
    )


def _blocks() -> CompoundSelect[*tuple[Any, ...]]:
    """Three kinds of rows in one statement, each with nothing where another has its own columns."""
    instants = [BlockedTime.starts_at, BlockedTime.ends_at]
    recurs = [getattr(RecurringBlock, name) for name in Recurring._fields if name != "host_id"]
    no_instants, nothing_recurs = ([cast(null(), column.type) for column in columns] for columns in (instants, recurs))
    once = select(BlockedTime.host_id, *instants, *nothing_recurs).where(
        BlockedTime.host_id.in_(_HOST_IDS),
        *(BlockedTime.ends_at > bindparam("begin"), BlockedTime.starts_at < bindparam("until")),
    )
    recurring = select(RecurringBlock.host_id, *no_instants, *recurs).where(
        RecurringBlock.host_id.in_(_HOST_IDS), RecurringBlock.first_day <= bindparam("last")
    )
    away = select(OutOfOffice.host_id, *no_instants, *nothing_recurs).where(OutOfOffice.host_id.in_(_HOST_IDS), *_AWAY)
    return union_all(once, recurring, away)


_HOST_IDS: BindParameter[UUID] = bindparam("host_ids", expanding=True)
_AWAY = (OutOfOffice.last_day >= bindparam("first"), OutOfOffice.first_day <= bindparam("last"))
# Made once: every booking asks them, and everybody for whom open times are worked out.
_BLOCKS = _blocks()
_ABSENCES = _absences()
