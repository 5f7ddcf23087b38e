"""What a zone's clocks show, in whole minutes; nothing else in the engine knows about zones.

A local day is cut into pieces within which the clocks run evenly: one on an ordinary day, two on a day on which they
change. Any range of wall-clock time is then an addition, and three rules hold that nobody had to write:

* where the clocks go forward, the times that were skipped do not exist: a range that begins or ends among them begins
  or ends at the change;
* where they go back, the times shown twice count twice: 01:00-03:00 lasts three hours if 01:00-02:00 is repeated;
* every minute inside the result has a wall-clock time inside the range, and no other minute has.

All zones have been whole minutes from UTC since 1972; a second more or less before that is rounded away.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from datetime import date, datetime
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from webapp.scheduling.slots.spans import Span, merge

DAY = 1440

_EPOCH = date(1970, 1, 1).toordinal()


class _Piece(NamedTuple):
    """The wall-clock minutes `start`..`end` of a day; adding `to_utc` makes them minutes since the epoch."""

    start: int
    end: int
    to_utc: int


def local_spans(zone: ZoneInfo, day: date, ranges: Iterable[Span]) -> list[Span]:
    """Return when the clocks of `zone` show a time in `ranges` on `day`.

    `ranges` are minutes from 00:00, in any order; what of them is past 24:00 (1440) is not on `day` and left out. The
    answer is merged, in UTC minutes.
    """
    return merge(
        (max(start, piece.start) + piece.to_utc, min(end, piece.end) + piece.to_utc)
        for piece in _pieces(zone, day)
        for start, end in ranges
    )


def past_midnight(ranges: Iterable[Span]) -> list[Span]:
    """Return what of `ranges` is past 24:00, in minutes from 00:00 of the date after."""
    return [(max(start - DAY, 0), end - DAY) for start, end in ranges if end > DAY]


def local_date(zone: ZoneInfo, minute: int) -> date:
    """Return the date that the clocks of `zone` show at the UTC minute `minute`."""
    return datetime.fromtimestamp(minute * 60, zone).date()


def days_around(begin: int, end: int, *, first: date = date.min, last: date = date.max) -> Iterable[date]:
    """Yield every date, within `first`..`last`, that some zone shows between the UTC minutes `begin` and `end`."""
    from_day = max(first.toordinal(), begin // DAY - 1 + _EPOCH)
    to_day = min(last.toordinal(), end // DAY + 1 + _EPOCH)
    return map(date.fromordinal, range(from_day, to_day + 1))


@lru_cache(maxsize=16_384)
def _pieces(zone: ZoneInfo, day: date) -> tuple[_Piece, ...]:
    """Return the even pieces of a local day in the order they happen; none when the zone skipped the whole day."""
    midnight = (day.toordinal() - _EPOCH) * DAY
    # No zone is a whole day from UTC, so these three days hold the local one.
    begin, end = midnight - DAY, midnight + 2 * DAY
    before, after = _offset(zone, begin), _offset(zone, end)
    if before == after:
        return (_Piece(0, DAY, midnight - before),)
    # Since 1970 no zone has changed its clocks twice within six days, so there is one change to look for here.
    change = begin + bisect_left(range(begin, end), True, key=lambda minute: _offset(zone, minute) != before)
    # On this day's clock: they show `change + before` when it comes, and `change + after` from then on.
    pieces = (
        _Piece(0, min(DAY, change + before - midnight), midnight - before),
        _Piece(max(0, change + after - midnight), DAY, midnight - after),
    )
    return tuple(piece for piece in pieces if piece.start < piece.end)


def _offset(zone: ZoneInfo, minute: int) -> int:
    """Return how many minutes the clocks of `zone` are ahead of UTC at the UTC minute `minute`."""
    local = datetime.fromtimestamp(minute * 60, zone)
    return (local.toordinal() - _EPOCH) * DAY + local.hour * 60 + local.minute - minute
