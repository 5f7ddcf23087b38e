"""The forms in which a host says when they work: hours of the week, and single days that differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time
from typing import Any

from flask_babel import lazy_gettext as _
from werkzeug.datastructures import MultiDict
from wtforms import (
    DateField,
    FieldList,
    FormField,
    IntegerField,
    RadioField,
    SelectField,
    TimeField,
)
from wtforms.validators import InputRequired

from webapp.core.validation import FieldError
from webapp.scheduling.forms import option, within_years
from webapp.scheduling.models import DateOverride, Schedule
from webapp.scheduling.service.schedules import OFFICE_HOURS, WeeklyRange, hours_of
from webapp.scheduling.slots import Span
from webapp.web.forms import Form
from webapp.web.languages import told
from webapp.web.times import zone_choices

_MIDNIGHT = 1440
_OFFICE = (9 * 60, 17 * 60)
_NO_TIME = _("Please give both times, such as 09:00 and 17:00.")


class RangeForm(Form):
    """A range of hours. An end that is not after the start is on the next day; 00:00 is the end of the day."""

    start = TimeField(_("from"), [InputRequired(_NO_TIME)])
    end = TimeField(_("to"), [InputRequired(_NO_TIME)])

    def span(self) -> Span:
        """Return the minutes of a valid range, counted from 00:00."""
        start, end = _minutes(self.start.data), _minutes(self.end.data)
        return start, end if end > start else end + _MIDNIGHT

    def is_late(self) -> bool:
        """True when the hours last into the next day."""
        return bool(self.start.data and self.end.data) and self.span()[1] > _MIDNIGHT

    def faults(self) -> list[str]:
        """Return what is wrong with the row, each thing once."""
        found = [*self.start.errors, *self.end.errors, *self.form_errors]
        return list(dict.fromkeys(map(str, found)))


class WeeklyRangeForm(RangeForm):
    """A range of hours on a weekday (Monday = 0)."""

    weekday = IntegerField(_("Weekday"), [InputRequired()])


class WeekForm(Form):
    """The hours of a week and their zone."""

    timezone = SelectField(_("Time zone of these hours"))
    hours = FieldList(FormField(WeeklyRangeForm))

    def ranges(self) -> list[WeeklyRange]:
        """Return the hours of a valid form, in the order of its rows."""
        return [(row.form.weekday.data or 0, *row.form.span()) for row in self.hours]

    def of_day(self, weekday: int) -> list[FormField[WeeklyRangeForm]]:
        """Return the rows of a weekday."""
        return [row for row in self.hours if row.form.weekday.data == weekday]


class OverrideForm(Form):
    """What holds on one date in place of the weekly hours."""

    day = DateField(_("Date"), [InputRequired(_("Please choose a date.")), within_years])
    kind = RadioField(
        _("On that day"),
        choices=[
            option("closed", _("Not available at all")),
            option("open", _("Available at these hours only")),
        ],
        default="closed",
    )
    ranges = FieldList(FormField(RangeForm))

    def spans(self) -> list[Span]:
        """Return the hours of a valid form; none for a closed day."""
        return [row.form.span() for row in self.ranges] if self.kind.data == "open" else []

    def validate(self, extra_validators: Mapping[str, Sequence[Any]] | None = None) -> bool:
        """Check the date, and the hours where they count."""
        if self.kind.data != "open":
            self.ranges.process(None, [])
        valid = super().validate(extra_validators)
        if self.kind.data == "open" and not len(self.ranges):
            self.kind.errors = [_("Please add the hours of that day, or say that you are not available.")]
            return False
        return valid


def week_form(schedule: Schedule | None, *, timezone: str, typed: MultiDict[str, str] | None = None) -> WeekForm:
    """Return the hours of a schedule (office hours where there is none yet), or what was typed."""
    zone = schedule.timezone if schedule else timezone
    hours: Iterable[WeeklyRange] = OFFICE_HOURS
    if schedule:
        hours = hours_of(schedule)
    rows = [{"weekday": weekday, **_times(start, end)} for weekday, start, end in hours]
    form = WeekForm(typed, timezone=zone, hours=rows)
    form.timezone.choices = [
        option(name, label, group=region) for region, zones in zone_choices(zone) for name, label in zones
    ]
    return form


def override_form(typed: MultiDict[str, str] | None = None) -> OverrideForm:
    """Return the form for a date, closed and with one range to fill in, or what was typed."""
    return OverrideForm(typed, ranges=[_times(*_OFFICE)])


def edit_week(form: WeekForm, action: str) -> None:
    """Do what a button of the week asked for: `add-<weekday>`, or `remove-<row>`."""
    verb, _dash, place = action.partition("-")
    if verb == "add" and place in {"0", "1", "2", "3", "4", "5", "6"}:
        used = [row.form.span()[1] for row in form.of_day(int(place)) if row.form.end.data]
        form.hours.append_entry({"weekday": int(place), **_times(*_next_range(max(used, default=0)))})
    elif verb == "remove":
        _remove(form.hours, f"hours-{place}")


def edit_override(form: OverrideForm, action: str) -> None:
    """Do what a button of the date asked for: `add`, or `remove-<row>`."""
    form.kind.data = "open"
    if action == "add":
        form.ranges.append_entry(_times(*_next_range(0)))
    elif action.startswith("remove-"):
        _remove(form.ranges, f"ranges-{action.removeprefix('remove-')}")


def show_row_errors(rows: Iterable[FormField[Any]], errors: Iterable[FieldError]) -> list[str]:
    """Put what the service refused beside its row (`hours.3`); return what belongs to no row."""
    general, in_order = [], list(rows)
    for error in errors:
        _list, _dot, index = error.field.partition(".")
        if index.isdecimal() and int(index) < len(in_order):
            in_order[int(index)].form.form_errors.append(told(error.message))
        else:
            general.append(told(error.message))
    return general


def by_day(overrides: Iterable[DateOverride]) -> list[tuple[date, list[Span]]]:
    """Return the dates that differ, in order, each with its hours; none for a closed one."""
    days: dict[date, list[Span]] = {}
    for row in sorted(overrides, key=lambda row: (row.day, row.start_minute)):
        days.setdefault(row.day, []).extend([(row.start_minute, row.end_minute)] if row.end_minute else [])
    return list(days.items())


def _next_range(after: int) -> Span:
    """Propose hours: those of an office, or the rest of the day after what is there."""
    after = min(after, _MIDNIGHT)
    if after + 60 < _OFFICE[1]:
        return max(after + 60, _OFFICE[0]) if after else _OFFICE[0], _OFFICE[1]
    return min(after + 60, _MIDNIGHT - 60), _MIDNIGHT


def _remove(rows: FieldList[Any], name: str) -> None:
    rows.process(None, [row.data for row in rows if row.name != name])


def _minutes(moment: time | None) -> int:
    return moment.hour * 60 + moment.minute if moment else 0


def _times(start: int, end: int) -> dict[str, time]:
    return {"start": time(start // 60, start % 60), "end": time(end // 60 % 24, end % 60)}
