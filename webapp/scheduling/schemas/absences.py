"""Blocked times and days out of office, as members' programs send and are shown them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field

from webapp.core.clock import find_zone
from webapp.core.validation import FieldError, InvalidInput
from webapp.core.words import say
from webapp.scheduling.models import BlockedTime, OutOfOffice, RecurringBlock
from webapp.scheduling.recurrence import LONGEST_RULE
from webapp.scheduling.schemas.fields import Day, Moment, Start, ZoneName, at_most, up_to
from webapp.scheduling.schemas.members import MemberOut
from webapp.scheduling.schemas.schedules import Clock, clock_of, minutes_of
from webapp.scheduling.service.blocks import LONGEST_TITLE, MOST_EXCEPTIONS, BlockDetails, RecurringDetails
from webapp.scheduling.service.out_of_office import LONGEST_NOTE, AwayDetails
from webapp.web.openapi import In, Out

Title = Annotated[str, up_to(LONGEST_TITLE)]
Rule = Annotated[
    str,
    up_to(LONGEST_RULE),
    Field(description="RFC 5545, of days and longer.", examples=["FREQ=WEEKLY;BYDAY=MO,TH"]),
]


class BlockedTimeIn(In):
    """A time to keep free of guests: from `start` to `end`, or whole days from `first_day` to `last_day`, included."""

    timezone: ZoneName
    title: Title = ""
    start: Start | None = None
    end: Start | None = None
    first_day: Day | None = None
    last_day: Day | None = None

    def details(self) -> BlockDetails:
        """Return the time in the service's terms; raises InvalidInput naming `start` when neither or both are given."""
        days, times = (self.first_day, self.last_day), (self.start, self.end)
        if self.first_day and self.last_day and times == (None, None):
            return BlockDetails.whole_days(self.first_day, self.last_day, timezone=self.timezone, title=self.title)
        if self.start and self.end and days == (None, None):
            return BlockDetails(timezone=self.timezone, starts_at=self.start, ends_at=self.end, title=self.title)
        raise InvalidInput([FieldError("start", say("Please give start and end, or first_day and last_day."))])


class BlockedTimeOut(Out):
    """A time that a host keeps free of guests, as clocks of `timezone` show it."""

    id: UUID
    host_id: UUID
    title: str
    timezone: str
    start: Moment
    end: Moment
    first_day: date | None = Field(description="Of whole days alone; with `last_day`, which is included.")
    last_day: date | None

    @classmethod
    def of(cls, block: BlockedTime) -> Self:
        """Show all of it."""
        start, end = (moment.astimezone(find_zone(block.timezone)) for moment in (block.starts_at, block.ends_at))
        return cls(
            id=block.id,
            host_id=block.host_id,
            title=block.title,
            timezone=block.timezone,
            start=start,
            end=end,
            first_day=start.date() if block.all_day else None,
            last_day=_last_day(end) if block.all_day else None,
        )


class BlockedTimesOut(Out):
    """Blocked times that are not over, soonest first."""

    items: list[BlockedTimeOut]


class RecurringBlockIn(In):
    """A time to keep free of guests on the dates of `rule`, by the wall clock of `timezone`, but for `except_days`."""

    timezone: ZoneName
    title: Title = ""
    first_day: Day = Field(description="One of the days that the rule names.")
    start: Clock
    end: Clock
    rule: Rule
    except_days: Annotated[list[Day], at_most(MOST_EXCEPTIONS)] = []

    def details(self) -> RecurringDetails:
        """Return the times in the service's terms."""
        return RecurringDetails(
            timezone=self.timezone,
            title=self.title,
            first_day=self.first_day,
            start_minute=minutes_of(self.start),
            end_minute=minutes_of(self.end),
            rule=self.rule,
            except_days=tuple(self.except_days),
        )


class RecurringBlockOut(Out):
    """A time that a host keeps free of guests again and again."""

    id: UUID
    host_id: UUID
    title: str
    timezone: str
    first_day: date
    start: str
    end: str
    rule: str
    except_days: list[date]

    @classmethod
    def of(cls, block: RecurringBlock) -> Self:
        """Show all of it."""
        return cls(
            id=block.id,
            host_id=block.host_id,
            title=block.title,
            timezone=block.timezone,
            first_day=block.first_day,
            start=clock_of(block.start_minute),
            end=clock_of(block.end_minute),
            rule=block.rule,
            except_days=block.except_days,
        )


class RecurringBlocksOut(Out):
    """Recurring blocks, oldest first."""

    items: list[RecurringBlockOut]


class OutOfOfficeIn(In):
    """Whole days away, both included, in `timezone` (the holder's own if left out).

    Who stands in hosts the one-to-one event types meanwhile; the note is for the team alone.
    """

    first_day: Day
    last_day: Day
    timezone: ZoneName | None = None
    note: Annotated[str, up_to(LONGEST_NOTE)] = ""
    stand_in_id: UUID | None = None

    def details(self, *, timezone: str) -> AwayDetails:
        """Return the days in the service's terms; `timezone` is the zone if none was sent."""
        return AwayDetails(
            timezone=self.timezone or timezone,
            first_day=self.first_day,
            last_day=self.last_day,
            note=self.note,
            stand_in_id=self.stand_in_id,
        )


class OutOfOfficeOut(Out):
    """Whole days on which a host is away, in `timezone`."""

    id: UUID
    host: MemberOut
    first_day: date
    last_day: date
    timezone: str
    note: str
    stand_in: MemberOut | None

    @classmethod
    def of(cls, absence: OutOfOffice) -> Self:
        """Show all of it."""
        return cls(
            id=absence.id,
            host=MemberOut.of(absence.host),
            first_day=absence.first_day,
            last_day=absence.last_day,
            timezone=absence.timezone,
            note=absence.note,
            stand_in=MemberOut.of(absence.stand_in) if absence.stand_in else None,
        )


class OutOfOfficesOut(Out):
    """Days out of office that are not over, soonest first."""

    items: list[OutOfOfficeOut]


def _last_day(end: datetime) -> date:
    return (end - timedelta(microseconds=1)).date()
