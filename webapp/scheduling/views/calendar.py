"""A host's calendar by day, week and month, in the host's own zone."""

from __future__ import annotations

from calendar import Calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _

from webapp.core import clock
from webapp.identity.access import current_member, signed_in
from webapp.identity.models import Membership
from webapp.identity.queries import active_members
from webapp.scheduling.queries.calendar import booked_on
from webapp.scheduling.service.event_types import NUMBERS
from webapp.scheduling.service.kept_free import kept_free
from webapp.scheduling.views.calendar_days import (
    Axis,
    CalendarDay,
    bounds,
    entries_of,
    hours_shown,
    in_weeks,
    lay_out,
    offsets_differ,
)
from webapp.scheduling.views.calendar_off import MOST_LINES, OffDay, off_days
from webapp.web.times import day_text, days_text, offset_text, reader_locale, zone_text

blueprint = Blueprint("calendar", __name__)

_ONE_DAY = timedelta(days=1)


class View(StrEnum):
    """How much of the calendar is seen at once."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


# How many meetings of each day are shown; how many more there are is said.
_MOST = {View.DAY: 500, View.WEEK: 60, View.MONTH: 3}


class HostChoice(StrEnum):
    """Whose calendar it is, where it is not a named member's."""

    MINE = ""
    ALL = "all"


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What the address asks for; `host_id` is None for everybody's, `host` how the address says whose it is."""

    view: View
    day: date
    host: str
    host_id: UUID | None
    whole_day: bool

    def days(self) -> list[date]:
        """Return the days that are shown: one, or whole weeks of the reader's kind."""
        if self.view is View.DAY:
            return [self.day]
        weeks = Calendar(reader_locale().first_week_day).monthdatescalendar(self.day.year, self.day.month)
        if self.view is View.WEEK:
            return next(week for week in weeks if self.day in week)
        return [day for week in weeks for day in week]

    def beside(self, steps: int) -> date:
        """Return a day so many days, weeks or months away."""
        if self.view is not View.MONTH:
            return self.day + steps * (7 if self.view is View.WEEK else 1) * _ONE_DAY
        month = self.day.year * 12 + self.day.month - 1 + steps
        return date(month // 12, month % 12 + 1, 1)

    def address(self, **changes: str | None) -> str:
        """Return the address of this calendar with `changes`."""
        hours = "all" if self.whole_day else None
        kept: dict[str, Any] = {"view": self.view.value, "day": self.day.isoformat(), "host": self.host or None}
        return url_for("calendar.show", **(kept | {"hours": hours} | changes))


@blueprint.get("/app/calendar")
@signed_in
def show() -> str:
    """Show what is booked in a day, a week or a month."""
    member, now = current_member(), clock.now()
    zone = clock.find_zone(member.user.timezone)
    team = active_members(member.organization_id) if member.role.administers else []
    wanted = _read(request.args, now.astimezone(zone).date(), member, team)
    days = wanted.days()
    booked, totals = booked_on(
        organization_id=member.organization_id,
        host_id=wanted.host_id,
        days=[bounds(day, day, zone) for day in days],
        most=_MOST[wanted.view],
        most_guests=1 if wanted.view is View.MONTH else NUMBERS["seats"].most,
    )
    axis = Axis(days if wanted.view is not View.MONTH else (), zone)
    shown = lay_out(entries_of(booked), days, axis, now=now, totals=totals)
    first, last = hours_shown(shown, axis, whole_day=wanted.whole_day)
    off = _off(wanted, member, team, axis, drawn=(first, last))
    return render_template(
        "scheduling/host/calendar.html",
        wanted=wanted,
        days=shown,
        weeks=in_weeks(shown),
        off=off,
        lines=min(MOST_LINES, max(len(day.lines) for day in off.values())),
        marks=[mark for mark in axis.marks() if first <= mark.at < last],
        first=first,
        last=last,
        axis=axis,
        views=[(view, _view_name(view)) for view in View],
        title=_title(wanted, days),
        zone=zone,
        zone_words=_zone_words(days, zone),
        now=now,
        today=now.astimezone(zone).date(),
        hosts=_host_choices(member, team),
        is_empty=not booked,
    )


def _off(
    wanted: Wanted, member: Membership, team: Sequence[Membership], axis: Axis, *, drawn: tuple[int, int]
) -> dict[date, OffDay]:
    """Return what else than meetings keeps guests from the days shown."""
    days = wanted.days()
    begins, ends = bounds(days[0], days[-1], axis.zone)
    names = None if wanted.host_id else {other.user_id: other.user.name for other in team}
    hosts = [wanted.host_id] if wanted.host_id else list(names or ())
    kept = kept_free(organization_id=member.organization_id, host_ids=hosts, begins=begins, ends=ends)
    return off_days(kept, days, axis, drawn=drawn, names=names)


def _read(arguments: Mapping[str, str], today: date, member: Membership, team: Sequence[Membership]) -> Wanted:
    """Return what was asked for; what makes no sense, or is not the member's to see, counts for nothing."""
    view, host = arguments.get("view", ""), arguments.get("host", "")
    chosen = next((other.user_id for other in team if str(other.user_id) == host), member.user_id)
    everybody = bool(team) and host == HostChoice.ALL
    return Wanted(
        view=View(view) if view in set(View) else View.WEEK,
        day=_read_day(arguments.get("day", "")) or today,
        host=host if everybody or chosen != member.user_id else HostChoice.MINE,
        host_id=None if everybody else chosen,
        whole_day=arguments.get("hours") == "all",
    )


def _read_day(text: str) -> date | None:
    try:
        return clock.find_day(text)
    except ValueError:
        return None


def _host_choices(member: Membership, team: Sequence[Membership]) -> list[tuple[str, str]]:
    others = [(str(other.user_id), other.user.name) for other in team if other.user_id != member.user_id]
    if not others:
        return []
    return [(HostChoice.MINE.value, _("My calendar")), (HostChoice.ALL.value, _("Everybody")), *others]


def _view_name(view: View) -> str:
    return str({View.DAY: _("Day"), View.WEEK: _("Week"), View.MONTH: _("Month")}[view])


def _title(wanted: Wanted, days: Sequence[date]) -> str:
    if wanted.view is View.DAY:
        return day_text(wanted.day)
    return day_text(wanted.day, None, "month") if wanted.view is View.MONTH else days_text(days[0], days[-1])


def _zone_words(days: Sequence[date], zone: ZoneInfo) -> str:
    """Name the zone with its offset, and with the one that follows where the clocks change meanwhile."""
    begins, ends = bounds(days[0], days[-1], zone)
    if not offsets_differ(begins, ends, zone):
        return zone_text(zone, begins)
    return str(_("%(zone)s, later %(other)s", zone=zone_text(zone, begins), other=offset_text(zone, ends)))


def entry_more(day: CalendarDay, shown: int) -> int:
    """Return how many entries of a day are left out where only so many are shown."""
    return max(0, len(day.entries) - shown) + day.more


blueprint.add_app_template_global(entry_more)
