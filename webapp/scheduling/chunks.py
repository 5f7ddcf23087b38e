"""Open times in the cache's Redis: a chunk for each event type, length and week, under the versions it was read by.

A chunk says what could be booked, were it not for notice and horizon, which depend on the moment. Its key holds the
versions of everything it was worked out from, so nobody asks for one that is out of date, whoever wrote it and when.

The cache is something to do without: who reads finds nothing when Redis is away, too slow, or holds something else,
and after a failure this process leaves it alone for a while.
"""

from __future__ import annotations

import struct
import time
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from redis import RedisError, ResponseError

from webapp.core import clock, measures
from webapp.core.logs import get_logger
from webapp.core.redis import cache_redis
from webapp.core.settings import settings
from webapp.scheduling.minutes import DAY

WEEK = 7 * DAY
# Of the rules by which chunks are worked out and written: another one for every release that changes them.
EDITION = 1
PAUSE_SECONDS = 5.0

_KEYS = f"almanac:open:{EDITION}"
_DIRTY = "almanac:open:dirty"
_MONDAY = -3 * DAY  # on which the week began that 1970 began in
# The checksum of what follows, and the second of the epoch from which it does not hold any more (0 for never).
_HEAD = struct.Struct("<II")
# How long after the beginning of its week a time begins, how long it lasts, and how many can book it.
_TIME = struct.Struct("<HHH")

# KEYS: for each chunk its own and that of the list of its week's. ARGV: for how many seconds, then the chunks.
_WRITE = """
for key = 1, #KEYS, 2 do
    redis.call('SET', KEYS[key], ARGV[(key + 3) / 2], 'EX', ARGV[1])
    redis.call('SADD', KEYS[key + 1], KEYS[key])
    redis.call('EXPIRE', KEYS[key + 1], ARGV[1])
end
"""

log = get_logger(__name__)


class OpenTime(NamedTuple):
    """A time that could be booked, in UTC minutes, and by how many."""

    start: int
    end: int
    seats_left: int


class Place(NamedTuple):
    """Whose times a chunk has, of which length in minutes, and in which week; with `empty`, as if nobody had booked."""

    event_type_id: UUID
    duration: int
    week: int
    empty: bool = False


@dataclass(frozen=True, slots=True)
class Chunk:
    """The open times of a week, in order; they hold until `valid_until` (aware), if something ends then by itself."""

    times: Sequence[OpenTime]
    valid_until: datetime | None = None


def weeks_between(begin: int, end: int) -> range:
    """Return the weeks, from Monday in UTC, that the minutes `begin`..`end` (the end left out) are in."""
    return range((begin - _MONDAY) // WEEK, (end - 1 - _MONDAY) // WEEK + 1)


def span_of(weeks: range) -> tuple[int, int]:
    """Return the minute that the first of the weeks begins with, and the one after the last."""
    return weeks.start * WEEK + _MONDAY, weeks.stop * WEEK + _MONDAY


class _Pause:
    """Whether this process leaves Redis alone just now."""

    def __init__(self) -> None:
        self._until = 0.0

    @property
    def is_on(self) -> bool:
        return time.monotonic() < self._until

    def begin(self, error: RedisError) -> None:
        log.warning("the cache is away: what can be booked is worked out each time", error=str(error))
        self._until = time.monotonic() + PAUSE_SECONDS

    def end(self) -> None:
        self._until = 0.0


pause = _Pause()


def read(stamps: Mapping[Place, str]) -> dict[Place, Chunk]:
    """Return the chunks that are there under these stamps; never raises."""
    if pause.is_on or not stamps:
        return {}
    try:
        values: Any = cache_redis().mget([_key(place, stamp) for place, stamp in stamps.items()])
    except RedisError as error:
        pause.begin(error)
        return {}
    return {place: chunk for place, value in zip(stamps, values, strict=True) if (chunk := _decoded(place, value))}


def count(*, asked: int, missing: int) -> None:
    """Count what guests asked for, for `/metrics`."""
    measures.count("availability_chunks", asked - missing, outcome="hit")
    measures.count("availability_chunks", missing, outcome="miss")


def write(chunks: Mapping[Place, Chunk], stamps: Mapping[Place, str]) -> None:
    """Keep chunks under the stamps that were read before they were worked out; never raises."""
    if pause.is_on:
        return
    keys: list[str] = []
    arguments: list[Any] = [settings().availability_cache_hours * 3600]
    for place, chunk in chunks.items():
        keys += [_key(place, stamps[place]), _index(place.event_type_id, place.week)]
        arguments.append(_encoded(place, chunk))
    try:
        cache_redis().register_script(_WRITE)(keys=keys, args=arguments)
    except ResponseError as error:
        log.warning("the cache keeps nothing", error=str(error))
    except RedisError as error:
        pause.begin(error)


def drop(event_type_id: UUID, weeks: Iterable[int], *, keep: Mapping[Place, str]) -> int:
    """Delete the chunks of these weeks but for those under the stamps to `keep`; return how many. Raises RedisError."""
    current = {_key(place, stamp).encode() for place, stamp in keep.items()}
    indexes = [_index(event_type_id, week) for week in weeks]
    with cache_redis().pipeline(transaction=False) as pipe:
        for index in indexes:
            pipe.smembers(index)
        superseded = [members - current for members in pipe.execute()]
        if not any(superseded):
            return 0
        pipe.unlink(*set().union(*superseded))
        for index, keys in zip(indexes, superseded, strict=True):
            if keys:
                pipe.srem(index, *keys)
        dropped: int = pipe.execute()[0]
    return dropped


def mark_dirty(event_type_id: UUID, weeks: Iterable[int]) -> None:
    """Have the chunks of these weeks worked out anew soon; raises RedisError."""
    if members := [f"{event_type_id}:{week}" for week in weeks]:
        cache_redis().sadd(_DIRTY, *members)


def take_dirty(most: int) -> dict[UUID, set[int]]:
    """Take up to `most` weeks off the list, by event type; raises RedisError."""
    members: Any = cache_redis().spop(_DIRTY, most)
    taken: dict[UUID, set[int]] = {}
    for member in members:
        event_type_id, _, week = member.decode().partition(":")
        taken.setdefault(UUID(event_type_id), set()).add(int(week))
    return taken


def _key(place: Place, stamp: str) -> str:
    kind = ":empty" if place.empty else ""
    return f"{_KEYS}:{place.event_type_id.hex}:{place.duration}:{place.week}:{stamp}{kind}"


def _index(event_type_id: UUID, week: int) -> str:
    return f"{_KEYS}:index:{event_type_id.hex}:{week}"


def _encoded(place: Place, chunk: Chunk) -> bytes:
    monday, _ = span_of(range(place.week, place.week + 1))
    times = b"".join(_TIME.pack(start - monday, end - start, seats) for start, end, seats in chunk.times)
    until = int(chunk.valid_until.timestamp()) if chunk.valid_until else 0
    return _HEAD.pack(zlib.crc32(times, until), until) + times


def _decoded(place: Place, value: bytes | None) -> Chunk | None:
    """Return the chunk; None when it is none, or does not hold any more."""
    if value is None or len(value) < _HEAD.size or (len(value) - _HEAD.size) % _TIME.size:
        return None
    checksum, until = _HEAD.unpack_from(value)
    times = value[_HEAD.size :]
    if zlib.crc32(times, until) != checksum or (until and until <= clock.now().timestamp()):
        return None
    monday, _ = span_of(range(place.week, place.week + 1))
    return Chunk(
        [
            OpenTime(monday + begins, monday + begins + lasts, seats)
            for begins, lasts, seats in _TIME.iter_unpack(times)
        ],
        datetime.fromtimestamp(until, UTC) if until else None,
    )
