"""Enqueues the soak's work: `python -m tests.faults.producer --jobs N --seed S`; killed and started again, it goes on.

What it has told is in the table `told`, written in the very transaction that writes the runs.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from jobs.runtime import RESULT, chain, chord, group
from jobs.runtime.execute import application
from tests.faults import chores
from webapp.core import clock
from webapp.core.db import session, transaction

UNITS_AT_ONCE = 25
# So many runs may wait before it pauses.
BACKLOG = 1500
PAUSE_SECONDS = 0.1
# One in so many transactions is first rolled back.
ROLLED_BACK_ONE_IN = 10
WIDTH = 4

_TOLD = "SELECT coalesce(max(unit), 0) AS last, coalesce(sum(runs), 0) AS runs FROM told"
_TELL = "INSERT INTO told VALUES (:unit, :kind, :runs, :failures, :value, :not_before)"
_WAITING = "SELECT count(*) FROM (SELECT FROM job_run WHERE state = 'waiting' LIMIT :enough) AS waiting"


class _ChangedMind(Exception):
    """The transaction is rolled back, so nothing of it may ever happen."""


def main() -> None:
    """Enqueue until so many jobs are told of."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.producer", description=__doc__)
    parser.add_argument("--jobs", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    chosen = parser.parse_args()
    with application().app_context():
        while True:
            try:
                if _tell_more(chosen.jobs, chosen.seed):
                    return
            except (DBAPIError, PoolTimeout):  # whether it was committed, the table says
                time.sleep(PAUSE_SECONDS)


def _tell_more(jobs: int, seed: int) -> bool:
    """Enqueue a few more units of work, unless enough wait; True when all is told."""
    with transaction():
        told = session().execute(text(_TOLD)).one()
        waiting: Any = session().scalar(text(_WAITING), {"enough": BACKLOG})
    if told.runs >= jobs:
        return True
    if waiting >= BACKLOG:
        time.sleep(PAUSE_SECONDS)
        return False
    units = range(told.last + 1, told.last + 1 + UNITS_AT_ONCE)
    if random.Random(f"{seed}/{told.last}/back").randrange(ROLLED_BACK_ONE_IN) == 0:
        _enqueue_in_vain(units, seed)
    with transaction():
        _enqueue(units, seed)
    return False


def _enqueue_in_vain(units: range, seed: int) -> None:
    try:
        with transaction():
            _enqueue(units, seed)
            raise _ChangedMind
    except _ChangedMind:
        return


def _enqueue(units: range, seed: int) -> None:
    for unit in units:
        draw = random.Random(f"{seed}/{unit}")
        kind = draw.choices(list(KINDS), [weight for weight, _ in KINDS.values()])[0]
        told = {"runs": 1, "failures": 0, "value": None, "not_before": None} | KINDS[kind][1](unit, draw)
        session().execute(text(_TELL), {"unit": unit, "kind": kind, **told})


def _plain(unit: int, _draw: random.Random) -> dict[str, Any]:
    chores.plain.enqueue(unit)
    return {}


def _exact(unit: int, _draw: random.Random) -> dict[str, Any]:
    chores.exact.enqueue(unit)
    return {}


def _slow(unit: int, draw: random.Random) -> dict[str, Any]:
    chores.slow.enqueue(unit, draw.uniform(0.01, 0.2))
    return {}


def _delayed(unit: int, draw: random.Random) -> dict[str, Any]:
    when = _soon(draw)
    chores.exact.at(when, unit)
    return {"not_before": when}


def _retried(unit: int, draw: random.Random) -> dict[str, Any]:
    failures = draw.randint(1, 2)
    chores.stubborn.enqueue(unit, failures)
    return {"failures": failures}


def _keyed(unit: int, draw: random.Random) -> dict[str, Any]:
    when = _soon(draw)
    for _ in range(3):
        chores.exact.once_at(when, f"unit {unit}", unit)
    return {"not_before": when}


def _chain(unit: int, draw: random.Random) -> dict[str, Any]:
    steps = draw.randint(2, 4)
    chain(*(chores.add.s(unit, step, RESULT if step else 0, step) for step in range(steps))).start()
    return {"runs": steps, "value": sum(range(steps))}


def _group(unit: int, _draw: random.Random) -> dict[str, Any]:
    group(*(chores.add.s(unit, step, 0, step) for step in range(WIDTH))).start()
    return {"runs": WIDTH, "value": WIDTH - 1}


def _chord(unit: int, _draw: random.Random) -> dict[str, Any]:
    members = (chores.add.s(unit, step, 0, step) for step in range(WIDTH))
    chord(group(*members), chores.total.s(unit, WIDTH, RESULT)).start()
    return {"runs": WIDTH + 1, "value": sum(range(WIDTH))}


def _soon(draw: random.Random) -> datetime:
    return clock.now() + timedelta(seconds=draw.uniform(0.5, 3))


# How often each kind of work comes up, and what enqueues it and returns what is to become of it. The `value` is that
# of the last step.
KINDS: dict[str, tuple[int, Callable[[int, random.Random], dict[str, Any]]]] = {
    "plain": (37, _plain),
    "exact": (23, _exact),
    "slow": (5, _slow),
    "delayed": (8, _delayed),
    "retried": (8, _retried),
    "keyed": (6, _keyed),
    "chain": (6, _chain),
    "group": (3, _group),
    "chord": (4, _chord),
}


if __name__ == "__main__":
    main()
