"""The measuring itself: every round takes all contenders in turn, so that what disturbs one round disturbs them all."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bench.jobs.team import Team

Say = Callable[[str], None]

_FIRST_BATCH = 50


@dataclass(frozen=True, kw_only=True)
class Length:
    """How long to measure: rounds, seconds for each batch, batch sizes of the other ways to enqueue, and samples."""

    rounds: int
    seconds: float
    one_by_one: int
    many: int
    stamps: int
    stamp_seconds: float


FULL = Length(rounds=9, seconds=2.0, one_by_one=500, many=5000, stamps=500, stamp_seconds=30.0)
QUICK = Length(rounds=3, seconds=0.5, one_by_one=100, many=1000, stamps=50, stamp_seconds=2.0)


@dataclass
class Laps:
    """What was measured, by label, in the order of the rounds: jobs per second, and milliseconds of waiting."""

    rates: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    enqueue: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    pickup_ms: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    ran_twice: dict[str, int] = field(default_factory=dict)


def run(teams: Sequence[Team], length: Length, say: Say) -> Laps:
    """Warm up, race, measure the other ways to enqueue and the waits when idle; raises BenchError when one is stuck."""
    entries = _entries(teams)
    say(f"Warming up: {', '.join(label for _team, label in entries)}")
    sizes = {label: _warm_up(team, label, length) for team, label in entries}
    laps = Laps()
    for number in range(length.rounds):
        say(f"Round {number + 1} of {length.rounds}")
        for team, label in _rotated(entries, number):
            rate = _lap(team, label, sizes[label], laps)
            sizes[label] = _batch(rate, length)
        _other_ways(teams, length, laps)
    for team, label in entries:
        say(f"Waiting time when idle: {label}")
        laps.pickup_ms[label] = _pickups(team, label, length)
    laps.ran_twice = {team.contender.name: team.surplus() for team in teams}
    return laps


def _entries(teams: Sequence[Team]) -> list[tuple[Team, str]]:
    """Each team's first kind of work, then each one's second: so that nobody has two turns in a row."""
    kinds = max(len(team.contender.labels) for team in teams)
    return [
        (team, team.contender.labels[kind])
        for kind in range(kinds)
        for team in teams
        if kind < len(team.contender.labels)
    ]


def _rotated(entries: list[tuple[Team, str]], by: int) -> list[tuple[Team, str]]:
    turn = by % len(entries)
    return entries[turn:] + entries[:turn]


def _warm_up(team: Team, label: str, length: Length) -> int:
    """Run two batches that do not count; return the size of the first that does."""
    team.fill(label, _FIRST_BATCH)
    team.drain()  # includes the start of its programs
    size = _FIRST_BATCH
    for _ in range(2):
        team.fill(label, size)
        size = _batch(size / team.drain(), length)
    return size


def _batch(rate: float, length: Length) -> int:
    return max(_FIRST_BATCH, round(rate * length.seconds))


def _lap(team: Team, label: str, count: int, laps: Laps) -> float:
    laps.enqueue[label].append(count / team.fill(label, count))
    rate = count / team.drain()
    laps.rates[label].append(rate)
    return rate


def _other_ways(teams: Sequence[Team], length: Length, laps: Laps) -> None:
    """Only enqueueing counts here; what was enqueued is worked off before the next round."""
    for team in teams:
        if team.contender.name == "almanac":
            for label, count in (("almanac_one_by_one", length.one_by_one), ("almanac_many", length.many)):
                laps.enqueue[label].append(count / team.fill(label, count))
                team.drain()


def _pickups(team: Team, label: str, length: Length) -> list[float]:
    team.time_one(label)  # the first may find connections cold
    waits: list[float] = []
    deadline = time.monotonic() + length.stamp_seconds
    while len(waits) < length.stamps and time.monotonic() < deadline:
        time.sleep(random.uniform(0.01, 0.05))  # idle again, and not in step with whoever polls
        waits.append(team.time_one(label))
    return waits
