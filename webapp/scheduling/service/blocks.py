"""Keep time free of guests, once or again and again. Bookings already made stay, whatever is blocked over them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from webapp.core import clock
from webapp.core.clock import find_zone
from webapp.core.db import session
from webapp.core.scope import read_locked
from webapp.core.validation import FieldError, FieldErrors, InvalidInput
from webapp.core.words import say
from webapp.scheduling.events import Change
from webapp.scheduling.minutes import DAY
from webapp.scheduling.models import BlockedTime, RecurringBlock
from webapp.scheduling.recurrence import normal_rule, recurs_on
from webapp.scheduling.service.freed import tell_of_change
from webapp.scheduling.service.guests import one_line

LONGEST_TITLE = 120
LONGEST_BLOCK = timedelta(days=1100)
MOST_RECURRING = 100
MOST_EXCEPTIONS = 500
FARTHEST = timedelta(days=3660)


@dataclass(frozen=True, kw_only=True, slots=True)
class BlockDetails:
    """From when to when, both aware; `timezone` is the zone in which it was given, `all_day` that it was whole days."""

    timezone: str
    starts_at: datetime
    ends_at: datetime
    title: str = ""
    all_day: bool = False

    @classmethod
    def whole_days(cls, first: date, last: date, *, timezone: str, title: str = "") -> BlockDetails:
        """Block the dates `first`..`last`, both included; raises InvalidInput naming `timezone` or `last_day`."""
        faults = FieldErrors()
        with faults.of("timezone"):
            find_zone(timezone)
        if not first <= last < date.max:
            faults.add("last_day", say("The last day comes before the first; please swap them."))
        faults.refuse()
        starts, ends = (datetime.combine(day, time(), find_zone(timezone)) for day in (first, last + timedelta(days=1)))
        return cls(timezone=timezone, starts_at=starts, ends_at=ends, title=title, all_day=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class RecurringDetails:
    """What recurs: minutes of the wall clock of `timezone`, from 00:00, on the dates of `rule`, but for `except_days`.

    An end past 1440 is on the next date. The first day has to be one that the rule names. Where a block is changed,
    `except_days` of None leave those days out that are.
    """

    timezone: str
    first_day: date
    start_minute: int
    end_minute: int
    rule: str
    title: str = ""
    except_days: tuple[date, ...] | None = ()


def block_time(*, organization_id: UUID, host_id: UUID, details: BlockDetails) -> BlockedTime:
    """Keep one time of the host free of guests; raises InvalidInput naming `title`, `timezone` or `end`."""
    block = BlockedTime(organization_id=organization_id, host_id=host_id, **_checked(details))
    session().add(block)
    session().flush()
    _tell(block)
    return block


def change_block(*, block: BlockedTime, details: BlockDetails) -> BlockedTime:
    """Say otherwise when a blocked time is, or what for; raises as `block_time`."""
    _tell(block)
    _set(block, _checked(details))
    _tell(block)
    return block


def unblock(*, block: BlockedTime | RecurringBlock) -> None:
    """Let guests have the time again."""
    session().delete(block)
    session().flush()
    _tell(block)


def block_recurring(*, organization_id: UUID, host_id: UUID, details: RecurringDetails) -> RecurringBlock:
    """Keep a time free of guests again and again.

    Raises InvalidInput naming `title`, `timezone`, `first_day`, `end`, `rule` or `except_days`.
    """
    values = _checked_recurring(details)
    others = session().scalar(select(func.count()).select_from(RecurringBlock).filter_by(host_id=host_id)) or 0
    if others >= MOST_RECURRING:
        raise InvalidInput(
            [FieldError("rule", say("There can be %(most)d of these; please delete one first.", most=MOST_RECURRING))]
        )
    block = RecurringBlock(organization_id=organization_id, host_id=host_id, **values)
    session().add(block)
    session().flush()
    _tell(block)
    return block


def change_recurring(*, block: RecurringBlock, details: RecurringDetails) -> RecurringBlock:
    """Say otherwise when a time recurs, or what for; raises as `block_recurring`."""
    read_locked(block)
    if details.except_days is None:
        details = replace(details, except_days=tuple(block.except_days))
    _set(block, _checked_recurring(details))
    _tell(block)
    return block


def leave_out(*, block: RecurringBlock, day: date, left_out: bool) -> RecurringBlock:
    """Let guests have the time on one of its dates (`left_out`), or keep it free there again.

    Raises InvalidInput naming `day` when it does not recur on that date, and for too many dates.
    """
    read_locked(block)
    if not any(recurs_on(block.rule, first=block.first_day, begin=day, until=day)):
        raise InvalidInput(
            [FieldError("day", say("It does not come on that day; please choose one on which it does."))]
        )
    days = {*block.except_days, day} if left_out else {*block.except_days} - {day}
    if len(days) > MOST_EXCEPTIONS:
        raise InvalidInput([FieldError("day", say("At most %(most)d days can be left out.", most=MOST_EXCEPTIONS))])
    block.except_days = sorted(days)
    _tell(block)
    return block


def next_days(block: RecurringBlock, *, after: date, most: int, within: int = 400) -> list[date]:
    """Return the next `most` dates of a recurring block from a date on, those left out, too, within so many days."""
    last = after + timedelta(days=within)
    return list(islice(recurs_on(block.rule, first=block.first_day, begin=after, until=last), most))


def _set(block: BlockedTime | RecurringBlock, values: dict[str, Any]) -> None:
    for field, value in values.items():
        setattr(block, field, value)
    session().flush()


def _tell(block: BlockedTime | RecurringBlock) -> None:
    """Say that the host is free at other times: just then, or at any time for what recurs."""
    if isinstance(block, BlockedTime):
        tell_of_change(Change.BLOCKED_TIME, host_ids=[block.host_id], begin=block.starts_at, until=block.ends_at)
    else:
        tell_of_change(Change.RECURRING_BLOCK, host_ids=[block.host_id])


def _checked(details: BlockDetails) -> dict[str, Any]:
    faults = FieldErrors()
    values: dict[str, Any] = {"all_day": details.all_day, "timezone": details.timezone}
    with faults.of("title"):
        values["title"] = _title(details.title)
    with faults.of("timezone"):
        find_zone(details.timezone)
    with faults.of("end"):
        values["starts_at"], values["ends_at"] = _times(details.starts_at, details.ends_at)
    faults.refuse()
    return values


def _times(starts_at: datetime, ends_at: datetime) -> tuple[datetime, datetime]:
    if ends_at <= starts_at:
        raise ValueError(say("The end must come after the start."))
    if ends_at - starts_at > LONGEST_BLOCK:
        raise ValueError(say("At most %(most)d days can be blocked at once.", most=LONGEST_BLOCK.days))
    if abs(starts_at - clock.now()) > FARTHEST:
        raise ValueError(say("This is too far away; please choose a time within ten years."))
    return starts_at, ends_at


def _checked_recurring(details: RecurringDetails) -> dict[str, Any]:
    faults = FieldErrors()
    values: dict[str, Any] = {
        "timezone": details.timezone,
        "first_day": details.first_day,
        "start_minute": details.start_minute,
        "end_minute": details.end_minute,
        "except_days": sorted({*(details.except_days or ())}),
    }
    with faults.of("title"):
        values["title"] = _title(details.title)
    with faults.of("timezone"):
        find_zone(details.timezone)
    if abs(details.first_day - clock.now().date()) > FARTHEST:
        faults.add("first_day", say("This is too far away; please choose a day within ten years."))
    if not (
        0 <= details.start_minute < DAY and details.start_minute < details.end_minute <= details.start_minute + DAY
    ):
        faults.add("end", say("The end must come after the start, and within 24 hours of it."))
    if len(values["except_days"]) > MOST_EXCEPTIONS:
        faults.add("except_days", say("At most %(most)d days can be left out.", most=MOST_EXCEPTIONS))
    faults.refuse()
    with faults.of("rule"):
        values["rule"] = _rule(details)
    faults.refuse()
    return values


def _rule(details: RecurringDetails) -> str:
    zone = find_zone(details.timezone)
    return normal_rule(details.rule, first=details.first_day, start=details.start_minute, zone=zone)


def _title(text: str) -> str:
    title = one_line(text)
    if len(title) > LONGEST_TITLE:
        raise ValueError(say("This is too long; please use at most %(most)d characters.", most=LONGEST_TITLE))
    return title
