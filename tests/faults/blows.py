"""What may happen to a fleet at any moment: processes are killed or frozen, servers restarted, emptied or cut off."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import psycopg
from redis import Redis

from tests.faults.fleet import Fleet
from tests.faults.harness import LEASE_SECONDS, Program

FROZEN_SECONDS = 1.5 * LEASE_SECONDS

_CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'almanac'"


@dataclass(frozen=True)
class _Frozen:
    """Processes that are stopped, until `until` of the monotonic clock."""

    pids: Sequence[int]
    until: float


class Fate:
    """Strikes a fleet, each time with something drawn by `draw`; counts what it did in `struck`, and notes when.

    What has ended is started again at once, as an operating system's supervisor does; what is frozen thaws with time.
    """

    def __init__(self, fleet: Fleet, producer: Program, draw: random.Random) -> None:
        self._fleet = fleet
        self._producer = producer
        self._draw = draw
        self._frozen: list[_Frozen] = []
        self.struck: Counter[str] = Counter()
        self.times: list[float] = []

    def strike(self) -> None:
        """Have one thing happen."""
        names = list(BLOWS)
        while True:
            name = self._draw.choices(names, [BLOWS[name][0] for name in names])[0]
            at = time.time()
            if BLOWS[name][1](self) is not False:
                break
        self.struck[name] += 1
        self.times.append(at)
        self.tend()

    def tend(self) -> None:
        """Start what has ended, and thaw what was frozen for long enough."""
        for one in [one for one in self._frozen if one.until <= time.monotonic()]:
            self._frozen.remove(one)
            _signal(one.pids, signal.SIGCONT)
        for program in (*self._fleet.hosts, *self._fleet.schedulers):
            program.start()
        if self._producer.has_failed:
            self._producer.start()

    def relent(self) -> None:
        """Thaw all that is frozen."""
        for one in self._frozen:
            _signal(one.pids, signal.SIGCONT)
        self._frozen.clear()
        self.tend()

    def kill_child(self) -> bool:
        children = self._host().children()
        if children:
            _signal([self._draw.choice(children)], signal.SIGKILL)
        return bool(children)

    def kill_parent(self) -> None:
        self._host().kill_parent()

    def kill_host(self) -> None:
        self._host().kill()

    def kill_scheduler(self) -> None:
        self._scheduler().kill()

    def kill_producer(self) -> bool:
        is_at_work = self._producer.is_running
        if is_at_work:
            self._producer.kill()
            self._producer.start()
        return is_at_work

    def freeze_child(self) -> bool:
        children = self._host().children()
        if children:
            self._freeze([self._draw.choice(children)])
        return bool(children)

    def freeze_host(self) -> None:
        host = self._host()
        self._freeze([host.leader, *host.children()])

    def freeze_scheduler(self) -> None:
        self._freeze([self._scheduler().leader])

    def empty_redis(self) -> None:
        with Redis.from_url(self._fleet.jobs_redis.url) as redis:
            redis.flushall()

    def restart_redis(self) -> None:
        self._fleet.jobs_redis.stop()
        self._fleet.jobs_redis.start()

    def crash_redis(self) -> None:
        self._fleet.jobs_redis.kill()
        self._fleet.jobs_redis.start()

    def cut_redis(self) -> None:
        """Close every connection at once: whoever waits for an answer does not get it."""
        with Redis.from_url(self._fleet.jobs_redis.url) as redis:
            redis.client_kill_filter(_type="normal", skipme=True)

    def restart_postgres(self) -> None:
        self._fleet.postgres.stop()
        self._fleet.postgres.start()

    def crash_postgres(self) -> None:
        self._fleet.postgres.kill()
        self._fleet.postgres.start()

    def cut_postgres(self) -> None:
        """End every session of the database at once."""
        with psycopg.connect(self._fleet.postgres.url) as connection:
            connection.execute(_CUT)

    def _host(self) -> Program:
        return self._draw.choice(self._fleet.hosts)

    def _scheduler(self) -> Program:
        return self._draw.choice(self._fleet.schedulers)

    def _freeze(self, pids: Sequence[int]) -> None:
        _signal(pids, signal.SIGSTOP)
        self._frozen.append(_Frozen(pids, time.monotonic() + FROZEN_SECONDS))


# How likely each is, and what does it; False when there was nobody to do it to.
BLOWS: dict[str, tuple[int, Callable[[Fate], bool | None]]] = {
    "child killed": (50, Fate.kill_child),
    "parent killed": (8, Fate.kill_parent),
    "host killed": (4, Fate.kill_host),
    "scheduler killed": (8, Fate.kill_scheduler),
    "producer killed": (4, Fate.kill_producer),
    "child frozen": (5, Fate.freeze_child),
    "host frozen": (2, Fate.freeze_host),
    "scheduler frozen": (2, Fate.freeze_scheduler),
    "Redis emptied": (3, Fate.empty_redis),
    "Redis restarted": (2, Fate.restart_redis),
    "Redis crashed": (2, Fate.crash_redis),
    "Redis cut off": (4, Fate.cut_redis),
    "PostgreSQL restarted": (1, Fate.restart_postgres),
    "PostgreSQL crashed": (1, Fate.crash_postgres),
    "PostgreSQL cut off": (4, Fate.cut_postgres),
}


def _signal(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
