"""The team's week, as members' programs ask for it and are shown it."""

from __future__ import annotations

from datetime import date
from typing import Self
from zoneinfo import ZoneInfo

from pydantic import Field

from webapp.scheduling.schemas.absences import OutOfOfficeOut
from webapp.scheduling.schemas.fields import Day, Moment, ZoneName
from webapp.scheduling.schemas.members import MemberOut
from webapp.scheduling.service.team_week import HostDay, HostWeek, State
from webapp.web.openapi import Out, Query


class TeamWeekQuery(Query):
    """Which seven days, as the calendar of which zone has them."""

    start: Day = Field(description="The first of them.")
    timezone: ZoneName


class StretchOut(Out):
    """Some time in which a host is open to guests, busy, or away."""

    state: State
    start: Moment
    end: Moment


class HostDayOut(Out):
    """A date in a host's week; `holidays` are the names of days off."""

    day: date
    stretches: list[StretchOut]
    holidays: list[str]

    @classmethod
    def of(cls, day: HostDay, zone: ZoneInfo) -> Self:
        """Show a day with the offset of the zone asked for."""
        stretches = [
            StretchOut(state=each.state, start=each.starts_at.astimezone(zone), end=each.ends_at.astimezone(zone))
            for each in day.stretches
        ]
        return cls(day=day.day, stretches=stretches, holidays=list(day.why))


class HostWeekOut(Out):
    """One host's week."""

    host: MemberOut
    days: list[HostDayOut]
    out_of_office: list[OutOfOfficeOut]

    @classmethod
    def of(cls, week: HostWeek, zone: ZoneInfo) -> Self:
        """Show a week with the offset of the zone asked for."""
        return cls(
            host=MemberOut.of(week.host),
            days=[HostDayOut.of(day, zone) for day in week.days],
            out_of_office=[OutOfOfficeOut.of(absence) for absence in week.absences],
        )


class TeamWeekOut(Out):
    """The week of everybody whom the token's holder may look at."""

    timezone: str
    hosts: list[HostWeekOut]
