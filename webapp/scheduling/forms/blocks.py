"""The forms in which a host keeps time free of guests, once or again and again."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _
from werkzeug.datastructures import MultiDict
from wtforms import (
    BooleanField,
    DateField,
    IntegerField,
    SelectField,
    SelectMultipleField,
    StringField,
    TimeField,
)
from wtforms.validators import InputRequired, NumberRange, Optional

from webapp.core.clock import find_zone
from webapp.scheduling.forms import option, within_years
from webapp.scheduling.minutes import DAY
from webapp.scheduling.models import BlockedTime, RecurringBlock
from webapp.scheduling.recurrence import MOST_INTERVAL
from webapp.scheduling.service.blocks import BlockDetails, RecurringDetails
from webapp.scheduling.simple_rules import WEEKDAY_CODES, Repeats, SimpleRule, simple_rule
from webapp.web.forms import Form
from webapp.web.times import zone_choices

_NINE, _FIVE = time(9), time(17)
_DATE = _("Please choose a date.")
_TIME = _("Please give a time, such as 09:00.")
_WEEKDAYS = [
    option(code, name)
    for code, name in zip(
        WEEKDAY_CODES,
        (_("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"), _("Sunday")),
        strict=True,
    )
]
_OWN_RULE = "own"


class _ZonedForm(Form):
    """What both kinds share."""

    title = StringField(_("What for"), render_kw={"maxlength": 120})
    timezone = SelectField(_("Time zone"))
    all_day = BooleanField(_("All day"))

    def offer_zones(self, chosen: str) -> None:
        """Fill the zone picker."""
        self.timezone.choices = [
            option(name, label, group=region) for region, zones in zone_choices(chosen) for name, label in zones
        ]


class BlockForm(_ZonedForm):
    """One time: whole days, or from a time to a time."""

    first_day = DateField(_("From"), [InputRequired(_DATE), within_years])
    start = TimeField(_("From, time of day"), [InputRequired(_TIME)])
    last_day = DateField(_("Until"), [InputRequired(_DATE), within_years])
    end = TimeField(_("Until, time of day"), [InputRequired(_TIME)])

    def details(self) -> BlockDetails:
        """Return what a valid form describes; raises as `BlockDetails.whole_days`."""
        first, last = self.first_day.data or date.min, self.last_day.data or date.min
        zone, title = self.timezone.data, self.title.data or ""
        if self.all_day.data:
            return BlockDetails.whole_days(first, last, timezone=zone, title=title)
        starts, ends = (
            datetime.combine(day, moment or time(), find_zone(zone))
            for day, moment in ((first, self.start.data), (last, self.end.data))
        )
        return BlockDetails(timezone=zone, starts_at=starts, ends_at=ends, title=title)


class RecurringForm(_ZonedForm):
    """A time that comes again: simply by the day, week, month or year, or by a rule of one's own."""

    first_day = DateField(_("First day"), [InputRequired(_DATE), within_years])
    start = TimeField(_("From"), [InputRequired(_TIME)])
    end = TimeField(_("Until"), [InputRequired(_TIME)])
    repeats = SelectField(
        _("Comes again"),
        choices=[
            option(Repeats.DAILY, _("Every day")),
            option(Repeats.WEEKLY, _("Every week")),
            option(Repeats.MONTHLY, _("Every month, on the same date")),
            option(Repeats.MONTHLY_WEEKDAY, _("Every month, on the same weekday")),
            option(Repeats.YEARLY, _("Every year")),
            option(_OWN_RULE, _("By a rule of my own")),
        ],
        default=Repeats.WEEKLY,
    )
    interval = IntegerField(
        _("Interval (1 is every time)"),
        [InputRequired(_("Please give a number, or 1.")), NumberRange(1, MOST_INTERVAL)],
        default=1,
    )
    weekdays = SelectMultipleField(_("On these weekdays"), choices=_WEEKDAYS)
    until = DateField(_("Last day"), [Optional(), within_years])
    rule = StringField(_("Rule (RFC 5545)"), render_kw={"maxlength": 500, "spellcheck": "false"})

    def details(self, *, except_days: tuple[date, ...] | None = ()) -> RecurringDetails:
        """Return what a valid form describes, `except_days` left out; an end that is not later is the next day's."""
        start, end = (0, DAY) if self.all_day.data else (_minutes(self.start.data), _minutes(self.end.data))
        return RecurringDetails(
            timezone=self.timezone.data,
            title=self.title.data or "",
            first_day=self._first(),
            start_minute=start,
            end_minute=end if end > start else end + DAY,
            rule=self._rule(),
            except_days=except_days,
        )

    def _first(self) -> date:
        """Return the first of the weekdays chosen, from the first day on, where weekdays are chosen."""
        first = self.first_day.data or date.min
        if self.repeats.data != Repeats.WEEKLY or not self.weekdays.data:
            return first
        return next(
            day
            for day in (first + timedelta(days=after) for after in range(7))
            if WEEKDAY_CODES[day.weekday()] in self.weekdays.data
        )

    def _rule(self) -> str:
        if self.repeats.data == _OWN_RULE:
            return self.rule.data or ""
        chosen = SimpleRule(
            repeats=Repeats(self.repeats.data),
            interval=self.interval.data or 1,
            weekdays=tuple(self.weekdays.data or ()),
            until=self.until.data,
        )
        return chosen.text(self._first())


def block_form(zone: ZoneInfo, today: date, typed: MultiDict[str, str] | None = None) -> BlockForm:
    """Return the form for one more time, today to begin with, or what was typed."""
    form = BlockForm(typed, timezone=zone.key, first_day=today, last_day=today, start=_NINE, end=_FIVE)
    form.offer_zones(zone.key)
    return form


def form_of_block(block: BlockedTime, typed: MultiDict[str, str] | None = None) -> BlockForm:
    """Return the form that changes a blocked time, or what was typed."""
    zone = find_zone(block.timezone)
    starts, ends = block.starts_at.astimezone(zone), block.ends_at.astimezone(zone)
    last = (ends - timedelta(days=1)).date() if block.all_day else ends.date()
    form = BlockForm(typed, obj=block, first_day=starts.date(), last_day=last, start=starts.time(), end=ends.time())
    form.offer_zones(block.timezone)
    return form


def recurring_form(zone: ZoneInfo, today: date, typed: MultiDict[str, str] | None = None) -> RecurringForm:
    """Return the form for one more recurring block, or what was typed."""
    form = RecurringForm(typed, timezone=zone.key, first_day=today, start=time(12), end=time(13))
    form.offer_zones(zone.key)
    for field in form:  # it stands beside the form for one time, whose fields have the same names
        field.id = field.label.field_id = f"again-{field.id}"
    return form


def form_of_recurring(block: RecurringBlock, typed: MultiDict[str, str] | None = None) -> RecurringForm:
    """Return the form that changes a recurring block, or what was typed; simply where its rule is a simple one."""
    simple = simple_rule(block.rule, first=block.first_day)
    whole = (block.start_minute, block.end_minute) == (0, DAY)
    values: dict[str, Any] = {
        "all_day": whole,
        "repeats": simple.repeats if simple else _OWN_RULE,
        "interval": simple.interval if simple else 1,
        "weekdays": simple.weekdays if simple else (),
        "until": simple.until if simple else None,
        "start": _NINE if whole else _time(block.start_minute),
        "end": _FIVE if whole else _time(block.end_minute),
    }
    form = RecurringForm(typed, obj=block, **values)
    form.offer_zones(block.timezone)
    return form


def _minutes(moment: time | None) -> int:
    return moment.hour * 60 + moment.minute if moment else 0


def _time(minutes: int) -> time:
    return time(minutes // 60 % 24, minutes % 60)
