"""What can be booked, written out: for those who ask hundreds of times a second.

A process keeps what it has written, week by week, under the stamps of the chunks that it was written from. Whoever
asks costs it one look at the versions, and what is out of date is never found again.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import accumulate
from threading import Lock
from zoneinfo import ZoneInfo

from cachetools import TTLCache

from webapp.core import clock
from webapp.scheduling import chunks, queries
from webapp.scheduling.chunks import Chunk, OpenTime, Place, span_of, weeks_between
from webapp.scheduling.minutes import DAY, midnight_of
from webapp.scheduling.queries import Listing
from webapp.scheduling.service.diaries import LONGEST_MEETING
from webapp.scheduling.service.offers import (
    MOST_DAYS,
    asked_for,
    find_chunks,
    stamps_under,
    weeks_around,
)
from webapp.scheduling.slots import LONGEST_REACH

Write = Callable[[Sequence[OpenTime], ZoneInfo], Sequence[bytes]]
_Key = tuple[Place, str, str]

_MOST_BYTES = 32 * 1024 * 1024
# So that a chunk which the integrity check has put right does not live on here.
_SECONDS = 60


def find_listing(organization: str, event_type: str, *, first: date, last: date) -> Listing:
    """Return what can be booked at this address, with all that decides what is offered on these dates, in any zone.

    Raises NotFound. A range that makes no sense is `Sheets.offered`'s to refuse.
    """
    begin = midnight_of(first)
    end = min(midnight_of(last), begin + MOST_DAYS * DAY)
    weeks = weeks_between(begin - DAY, end + 2 * DAY)
    reach = LONGEST_MEETING + LONGEST_REACH * DAY
    return queries.find_listing(organization, event_type, weeks=weeks_around(*span_of(weeks), reach=reach))


@dataclass(frozen=True, slots=True)
class _Sheet:
    """The open times of a week as they are written in a zone, one after the other with a byte between them.

    `starts` are their UTC minutes, and `places` where in `text` each of them is written, and one more would be.
    """

    starts: array[int]
    places: array[int]
    text: bytes
    valid_until: datetime | None

    def between(self, begin: int, end: int) -> bytes:
        """Return those that begin from one UTC minute to another; empty when there are none."""
        first, stop = bisect_left(self.starts, begin), bisect_left(self.starts, end)
        return self.text[self.places[first] : self.places[stop] - 1] if first < stop else b""


class Sheets:
    """All that this process has written in one form: by `write`, each time apart, with the byte `between` two."""

    def __init__(self, write: Write, *, between: bytes) -> None:
        self._write = write
        self._between = between
        self._kept: TTLCache[_Key, _Sheet] = TTLCache(_MOST_BYTES, _SECONDS, getsizeof=_size)
        self._lock = Lock()

    def offered(self, listing: Listing, *, first: date, last: date, zone: ZoneInfo, duration: int | None) -> bytes:
        """Return what can be booked on the dates `first`..`last` of the guest's `zone`, both included, in order.

        It is what `offered_slots` returns, and so is what is raised. `listing` is of these dates.
        """
        rules, spans = asked_for(listing, first=first, last=last, zone=zone, duration=duration)
        if not spans:
            return b""
        weeks = weeks_between(spans[0][0], spans[-1][1])
        stamps = stamps_under(listing.versions, listing, rules, weeks=weeks)
        sheets = self._sheets(listing, stamps, zone)
        written = (sheet.between(begin, end) for begin, end in spans for sheet in sheets)
        return self._between.join(filter(None, written))

    def _sheets(self, listing: Listing, stamps: Mapping[Place, str], zone: ZoneInfo) -> list[_Sheet]:
        """Return the sheets of all these places, in order."""
        kept = self._find(stamps, zone)
        wanted = {place: stamp for place, stamp in stamps.items() if place not in kept}
        known, made = find_chunks(wanted, read=lambda: queries.find_event_type(listing.id))
        chunks.count(asked=len(stamps), missing=made)
        written = {place: self._written(known[place], zone) for place in wanted if place in known}
        self._keep(written, stamps, zone)
        kept |= written
        return [kept[place] for place in stamps if place in kept]

    def _find(self, stamps: Mapping[Place, str], zone: ZoneInfo) -> dict[Place, _Sheet]:
        now = clock.now()
        with self._lock:
            found = {place: self._kept.get((place, stamp, zone.key)) for place, stamp in stamps.items()}
        return {
            place: sheet
            for place, sheet in found.items()
            if sheet and (sheet.valid_until is None or now < sheet.valid_until)
        }

    def _keep(self, written: Mapping[Place, _Sheet], stamps: Mapping[Place, str], zone: ZoneInfo) -> None:
        with self._lock:
            for place, sheet in written.items():
                self._kept[place, stamps[place], zone.key] = sheet

    def _written(self, chunk: Chunk, zone: ZoneInfo) -> _Sheet:
        texts = self._write(chunk.times, zone)
        starts = array("q", [time.start for time in chunk.times])
        places = array("q", accumulate((len(text) + 1 for text in texts), initial=0))
        return _Sheet(starts, places, self._between.join(texts), chunk.valid_until)


def _size(sheet: _Sheet) -> int:
    """Return about how many bytes a sheet takes, with its key."""
    return len(sheet.text) + 16 * len(sheet.starts) + 1000
