"""The month, its days with free times, and the times of one day: what both booking and moving choose from."""

from __future__ import annotations

import re
from calendar import Calendar
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import NamedTuple
from zoneinfo import ZoneInfo

from webapp.core import clock
from webapp.scheduling.models import Booking, EventType
from webapp.scheduling.service.offers import MOST_DAYS, Offer, offered_slots, taken_slots
from webapp.web.times import clock_time, day_text, offset_text, reader_locale

_ONE_DAY = timedelta(days=1)
_NEXT_DAYS = timedelta(days=14)
_MOST_NEAREST = 6


class Wish(NamedTuple):
    """What the address of a picker asks for; None where it says nothing, or nothing that makes sense."""

    month: date | None
    day: date | None
    zone: ZoneInfo | None
    unknown_zone: str = ""
    duration: int | None = None


class Slot(NamedTuple):
    """A time on offer, as its day's list shows it."""

    start: datetime
    label: str
    seats_left: int = 1

    @property
    def value(self) -> str:
        """The start as addresses and forms carry it."""
        return start_value(self.start)


class Day(NamedTuple):
    """One cell of the month."""

    date: date
    free: int
    is_past: bool
    is_today: bool
    is_chosen: bool
    is_full: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Picker:
    """A month in the guest's zone. `weeks` hold None for days of other months; `next_free` lies after this month.

    `durations` are the lengths to choose from, none where there is no choice; `duration` is None for the usual one.
    `taken` are the times of the chosen day that one can wait for, where there is a waitlist; days that have no others
    are full.
    """

    zone: ZoneInfo
    is_guess: bool
    unknown_zone: str
    month: date
    weeks: list[list[Day | None]]
    earlier: date | None
    later: date | None
    chosen: date | None
    slots: list[Slot]
    taken: list[Slot]
    next_free: date | None
    durations: list[int]
    duration: int | None

    @property
    def weekdays(self) -> list[tuple[str, str]]:
        """The weekdays in the order of the columns, short and in full."""
        locale = reader_locale()
        order = [(locale.first_week_day + column) % 7 for column in range(7)]
        names = locale.days["stand-alone"]
        return [(names["abbreviated"][number], names["wide"][number]) for number in order]


def read_wish(arguments: Mapping[str, str]) -> Wish:
    """Return what the query `?month=2026-11&day=2026-11-24&timezone=Europe/Berlin&duration=45` asks for."""
    name = arguments.get("timezone", "")
    try:
        zone, unknown = (clock.find_zone(name) if name else None), ""
    except ValueError:
        zone, unknown = None, name[:64]
    day = _date(arguments.get("day", ""))
    month = _date(f"{arguments.get('month', '')}-01") or (day.replace(day=1) if day else None)
    length = arguments.get("duration", "")
    return Wish(month, day, zone, unknown, int(length) if re.fullmatch("[0-9]{1,4}", length) else None)


def unusual_duration(event_type: EventType, wish: Wish) -> int | None:
    """Return the length that was wished for, in minutes; None when it is the usual one or not on offer."""
    return wish.duration if wish.duration in event_type.other_durations else None


def make_picker(*, event_type: EventType, wish: Wish, moving: Booking | None = None, can_wait: bool = True) -> Picker:
    """Return the month that the guest wishes to see, or else the first one with a free time.

    `moving` is a booking about to be moved, which does not stand in its own way, is not offered the time it has, and
    keeps its length. Who moves one waits for no other time, nor does who `can_wait` for none.
    """
    duration = None if moving else unusual_duration(event_type, wish)
    zone = wish.zone or clock.find_zone(event_type.organization.timezone)
    search = _Search(event_type, zone, duration, moving)
    month = _within(wish.month, search.today, search.horizon) or search.today.replace(day=1)
    offers = search.month(month)
    next_free = None if offers else search.first_after(month)
    if next_free and wish.month is None:
        month, next_free = next_free.replace(day=1), None
        offers = search.month(month)
    by_day, taken = _by_day(offers, zone), _by_day(search.taken(month) if can_wait else [], zone)
    chosen = wish.day if wish.day and _same_month(wish.day, month) else next(iter(by_day), None)
    return Picker(
        zone=zone,
        is_guess=wish.zone is None,
        unknown_zone=wish.unknown_zone,
        month=month,
        weeks=_weeks(month, by_day, full=taken.keys() - by_day.keys(), today=search.today, chosen=chosen),
        earlier=_month_before(month) if month > search.today.replace(day=1) else None,
        later=_month_after(month) if not _same_month(month, search.horizon) else None,
        chosen=chosen,
        slots=label_slots(by_day.get(chosen, []), zone) if chosen else [],
        taken=label_slots(taken.get(chosen, []), zone) if chosen else [],
        next_free=next_free,
        durations=[] if moving or not event_type.other_durations else event_type.durations,
        duration=duration,
    )


def nearest_slots(
    *,
    event_type: EventType,
    start: datetime,
    zone: ZoneInfo,
    duration: int | None = None,
    moving: Booking | None = None,
) -> list[Slot]:
    """Return up to six free times, in order: of the day of `start` in `zone` the nearest to it, else the next ones.

    Those of other days are labelled with their day; looked for are two weeks.
    """
    day = start.astimezone(zone).date()
    search = _Search(event_type, zone, duration, moving)
    if same_day := search.between(day, day):
        nearest = sorted(same_day, key=lambda offer: abs(offer.start - start))[:_MOST_NEAREST]
        return label_slots(sorted(nearest, key=lambda offer: offer.start), zone)
    first = max(day, search.today)
    later = label_slots(search.between(first, first + _NEXT_DAYS)[:_MOST_NEAREST], zone)
    return [slot._replace(label=f"{day_text(slot.start, zone, 'short_weekday')}, {slot.label}") for slot in later]


def start_value(start: datetime) -> str:
    """Return an instant (aware) as addresses carry it: without a plus sign, which addresses read as a blank."""
    return f"{start.astimezone(UTC):%Y-%m-%dT%H:%MZ}"


def read_start(text: str) -> datetime | None:
    """Return the instant that an address or a form names, aware, in UTC; None when it names none."""
    try:
        start = datetime.fromisoformat(text)
    except ValueError:
        return None
    # Near the ends of the calendar another zone's date would not exist; what is merely far away is told so.
    return start.astimezone(UTC) if start.tzinfo and 1900 < start.year < 9000 else None


class _Search:
    """What is on offer in one zone between today and the horizon."""

    def __init__(self, event_type: EventType, zone: ZoneInfo, duration: int | None, moving: Booking | None) -> None:
        now = clock.now().astimezone(zone)
        self._event_type, self._zone, self._duration, self._moving = event_type, zone, duration, moving
        self.today = now.date()
        self.horizon = (now + timedelta(days=event_type.horizon_days)).date()

    def month(self, month: date) -> list[Offer]:
        return self.between(month, _month_after(month) - _ONE_DAY)

    def taken(self, month: date) -> list[Offer]:
        """Return the times of the month that one can wait for; who moves a booking waits for none."""
        if self._moving or not self._event_type.waitlist_enabled:
            return []
        return taken_slots(
            event_type=self._event_type,
            first=month,
            last=_month_after(month) - _ONE_DAY,
            zone=self._zone,
            duration=self._duration,
        )

    def first_after(self, month: date) -> date | None:
        """Return the first day after the month that has a free time."""
        first = _month_after(month)
        while first <= self.horizon:
            last = first + timedelta(days=MOST_DAYS - 1)
            if offers := self.between(first, last):
                return offers[0].start.astimezone(self._zone).date()
            first = last + _ONE_DAY
        return None

    def between(self, first: date, last: date) -> list[Offer]:
        """Return the times of these days; a booking is moved anywhere but to the time it has."""
        offers = offered_slots(
            event_type=self._event_type,
            first=first,
            last=last,
            zone=self._zone,
            duration=self._duration,
            moving=self._moving,
        )
        return [offer for offer in offers if self._moving is None or offer.start != self._moving.starts_at]


def _by_day(offers: list[Offer], zone: ZoneInfo) -> dict[date, list[Offer]]:
    return {day: list(group) for day, group in groupby(offers, lambda offer: offer.start.astimezone(zone).date())}


def _weeks(
    month: date, by_day: Mapping[date, list[Offer]], *, full: Collection[date], today: date, chosen: date | None
) -> list[list[Day | None]]:
    weeks = Calendar(reader_locale().first_week_day).monthdatescalendar(month.year, month.month)
    return [
        [
            Day(day, len(by_day.get(day, ())), day < today, day == today, day == chosen, day in full)
            if _same_month(day, month)
            else None
            for day in week
        ]
        for week in weeks
    ]


def label_slots(offers: list[Offer], zone: ZoneInfo) -> list[Slot]:
    """Label each time; where the clocks show one twice that night, its offset tells the two apart."""
    labels = [clock_time(offer.start, zone) for offer in offers]
    return [
        Slot(
            offer.start,
            f"{label} ({offset_text(zone, offer.start)})" if labels.count(label) > 1 else label,
            offer.seats_left,
        )
        for offer, label in zip(offers, labels, strict=True)
    ]


def _date(text: str) -> date | None:
    try:
        return clock.find_day(text) if len(text) == 10 else None
    except ValueError:
        return None


def _within(month: date | None, today: date, horizon: date) -> date | None:
    """Hold a wished month between that of today and that of the horizon."""
    return month and min(max(month, today.replace(day=1)), horizon.replace(day=1))


def _same_month(one: date, other: date) -> bool:
    return (one.year, one.month) == (other.year, other.month)


def _month_after(month: date) -> date:
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1)


def _month_before(month: date) -> date:
    return (month - _ONE_DAY).replace(day=1)
