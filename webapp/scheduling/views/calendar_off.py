"""Where a calendar shows that no guest can come: lines for whole days, and hatched hours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from flask_babel import gettext as _

from webapp.scheduling.service.kept_free import KeptFree, Why
from webapp.scheduling.views.calendar_days import Axis, Stretch, bounds, place_between
from webapp.web.languages import page_language

MOST_LINES = 4


class OffHours(NamedTuple):
    """Some hours of a day; `place` is what of them is drawn, None for nothing."""

    starts_at: datetime
    ends_at: datetime
    words: str
    recurs: bool
    place: Stretch | None


@dataclass(frozen=True, kw_only=True, slots=True)
class OffDay:
    """What keeps guests from a day: all of it, said in `lines`, or some of its `hours`; `closed` is drawn all over."""

    lines: list[str]
    hours: list[OffHours]
    closed: Stretch | None

    @property
    def in_month(self) -> list[OffHours]:
        """What of the hours a month shows: what comes again and again would hide what does not."""
        return [each for each in self.hours if not each.recurs]


def off_days(
    kept: Sequence[KeptFree],
    days: Sequence[date],
    axis: Axis,
    *,
    drawn: tuple[int, int],
    names: Mapping[UUID, str] | None = None,
) -> dict[date, OffDay]:
    """Return what keeps guests from each day; `drawn` are the first and the last minute of the axis that are seen.

    With the `names` of several hosts only whole days count, and say whose: hours of one are no hours of the others.
    """
    return {day: _day(kept, day, axis, drawn, names) for day in days}


def _day(
    kept: Sequence[KeptFree], day: date, axis: Axis, drawn: tuple[int, int], names: Mapping[UUID, str] | None
) -> OffDay:
    begins, ends = bounds(day, day, axis.zone)
    here = [each for each in kept if each.starts_at < ends and each.ends_at > begins]
    whole = [each for each in here if _is_whole(each, begins, ends, several=names is not None)]
    parts = [] if names else [each for each in here if each not in whole]
    return OffDay(
        lines=_lines(whole, names),
        hours=[] if whole else [_hours(each, begins, ends, axis, drawn) for each in parts],
        closed=Stretch(drawn[0], drawn[1] - drawn[0]) if whole and not names else None,
    )


def _is_whole(kept: KeptFree, begins: datetime, ends: datetime, *, several: bool) -> bool:
    """True for what takes all of a day; among several hosts also for a day off in their zone that takes most of it."""
    taken = min(kept.ends_at, ends) - max(kept.starts_at, begins)
    return taken == ends - begins or (several and kept.why is not Why.BLOCKED and 2 * taken > ends - begins)


def _hours(kept: KeptFree, begins: datetime, ends: datetime, axis: Axis, drawn: tuple[int, int]) -> OffHours:
    place = place_between(kept.starts_at, kept.ends_at, (begins, ends), axis)
    first, last = max(place.start, drawn[0]), min(place.start + place.length, drawn[1])
    seen = Stretch(first, last - first) if first < last else None
    return OffHours(max(kept.starts_at, begins), kept.ends_at, _words(kept), kept.recurs, seen)


def _lines(whole: Iterable[KeptFree], names: Mapping[UUID, str] | None) -> list[str]:
    """Return each reason once, with the names of those for whom it holds where there are several."""
    whose: dict[str, list[str]] = {}
    for each in whole:
        words = _words(each)
        if each.why is Why.BLOCKED:
            words = str(_("%(what)s, all day", what=words))
        whose.setdefault(words, []).append(names.get(each.host_id, "") if names else "")
    if not names:
        return list(whose)
    return [str(_("%(names)s: %(what)s", names=", ".join(people), what=what)) for what, people in whose.items()]


def _words(kept: KeptFree) -> str:
    if kept.holiday is not None:
        return kept.holiday.label(page_language())
    if kept.why is Why.AWAY:
        return str(_("Away: %(note)s", note=kept.words)) if kept.words else str(_("Away"))
    return kept.words or str(_("Blocked"))
