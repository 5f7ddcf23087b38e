"""The memory that the parent and its children share: what each child is doing, since when and until when.

A child writes its own place, the parent reads it, also when the child is dead. Nothing here blocks or fails.
"""

from __future__ import annotations

import math
import mmap
import time
from dataclasses import dataclass
from enum import IntEnum
from struct import Struct

_HEAD = Struct("=B16sddIII")
_EXECUTION = 16
# As many jobs as a child takes in one go.
CAPACITY = 16
_SIZE = 1024
# The execution that is to stop and since when: apart from the rest, for it is another thread that writes it.
_REVOKED = Struct("=16sd")
_REVOKED_OFFSET = _SIZE - _REVOKED.size
# So long a job may take to stop.
REVOKED_SECONDS = 1.0


class Kind(IntEnum):
    """What a child is doing."""

    NOTHING = 0
    DURABLE = 1
    TRANSIENT = 2


@dataclass(frozen=True)
class Sight:
    """What a place shows: executions as RQ names them, times of the monotonic clock.

    `waiting` counts the jobs that the child holds beside the one it runs, `jobs` all that it has ended, `finished` are
    the executions that it has ended since it last told Redis, `revoked_at` is when it heard that its job is to stop.
    """

    kind: Kind
    execution: str
    since: float
    limit: float
    waiting: int
    jobs: int
    finished: tuple[str, ...]
    revoked_at: float | None

    @property
    def is_over_limit(self) -> bool:
        """True when the job should have been over by now."""
        return self.kind is not Kind.NOTHING and time.monotonic() > self.since + self.limit

    @property
    def is_ignoring_revocation(self) -> bool:
        """True when the job should have stopped by now."""
        return self.revoked_at is not None and time.monotonic() > self.revoked_at + REVOKED_SECONDS


class Board:
    """Places for a number of children."""

    def __init__(self, places: int) -> None:
        self._memory = mmap.mmap(-1, places * _SIZE)
        self.places = [Place(self._memory, number * _SIZE) for number in range(places)]


class Place:
    """One child's part of the board."""

    def __init__(self, memory: mmap.mmap, offset: int) -> None:
        self._memory = memory
        self._offset = offset
        self.clear()

    def clear(self) -> None:
        """Make it as for a new child."""
        self._kind, self._execution, self._since, self._limit = Kind.NOTHING, b"", 0.0, math.inf
        self._waiting = self._jobs = 0
        self._finished = 0
        self._write()

    def begin(self, kind: Kind, execution: str, *, limit: float, waiting: int) -> None:
        """State that a job begins, which may take `limit` seconds, and how many more are held beside it."""
        self._kind, self._execution = kind, bytes.fromhex(execution)
        self._since, self._limit, self._waiting = time.monotonic(), limit, waiting
        self._write()

    def end(self) -> None:
        """State that the job is over."""
        start = self._offset + _HEAD.size + self._finished * _EXECUTION
        self._memory[start : start + _EXECUTION] = self._execution
        self._finished += 1
        self._jobs += 1
        # Without a limit until the next one is written: the parent may look while that is half done.
        self._kind, self._limit = Kind.NOTHING, math.inf
        self._write()

    def revoke(self, execution: str) -> None:
        """State that this job is to stop. May be called from any thread, and again."""
        known, _since = _REVOKED.unpack_from(self._memory, self._offset + _REVOKED_OFFSET)
        if known.hex() != execution:
            revoked = bytes.fromhex(execution), time.monotonic()
            _REVOKED.pack_into(self._memory, self._offset + _REVOKED_OFFSET, *revoked)

    def told(self) -> None:
        """State that Redis knows of all that is finished."""
        self._finished = 0
        self._write()

    def see(self) -> Sight:
        """Return what the place shows now."""
        kind, execution, since, limit, waiting, jobs, finished = _HEAD.unpack_from(self._memory, self._offset)
        start = self._offset + _HEAD.size
        ended = (self._memory[start + n * _EXECUTION : start + (n + 1) * _EXECUTION] for n in range(finished))
        revoked, revoked_at = _REVOKED.unpack_from(self._memory, self._offset + _REVOKED_OFFSET)
        return Sight(
            kind=Kind(kind),
            execution=execution.hex(),
            since=since,
            limit=limit,
            waiting=waiting,
            jobs=jobs,
            finished=tuple(one.hex() for one in ended),
            revoked_at=revoked_at if kind != Kind.NOTHING and revoked == execution else None,
        )

    def _write(self) -> None:
        _HEAD.pack_into(
            self._memory,
            self._offset,
            self._kind,
            self._execution,
            self._since,
            self._limit,
            self._waiting,
            self._jobs,
            self._finished,
        )
