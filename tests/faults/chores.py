"""The jobs of the soak: each leaves what it has done in the database, and says in a file that it begins and ends.

The file, which no fault of a server can take anything from, tells how often the work was begun and come to its end.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from sqlalchemy import text

from jobs.runtime import RetryPolicy, current, job
from webapp.core.db import after_commit, session, transaction

SOON = RetryPolicy("soon", (0.1, 0.2, 0.3, 0.5))

DIARY = "SOAK_DIARY"
BEGUN = "begun"
ENDED = "ended"

TABLES = """
CREATE TABLE effect (
    unit int, step int, times int NOT NULL DEFAULT 1, value int, at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (unit, step)
);
CREATE TABLE told (
    unit int PRIMARY KEY, kind text NOT NULL, runs int NOT NULL, failures int NOT NULL DEFAULT 0, value int,
    not_before timestamptz
);
"""

_ONCE = "INSERT INTO effect (unit, step, value) VALUES (:unit, :step, :value) ON CONFLICT (unit, step)"


def count(unit: int, step: int = 0, value: int | None = None) -> None:
    """Count, in the caller's transaction, that this was done; and when that is committed, say that it has ended."""
    counted = text(f"{_ONCE} DO UPDATE SET times = effect.times + 1")
    session().execute(counted, {"unit": unit, "step": step, "value": value})
    after_commit(lambda: _say(ENDED))


@job(queue="bookings")
def plain(unit: int) -> None:
    with _saying():
        _see_to_it(unit)


@job(queue="email", atomic=True)
def exact(unit: int) -> None:
    _say(BEGUN)
    count(unit)


@job(queue="email", lane="low", atomic=True)
def slow(unit: int, seconds: float) -> None:
    _say(BEGUN)
    time.sleep(seconds)  # there is nothing to wait for: this is the work, long enough to be hit in the middle of it
    count(unit)


@job(queue="notifications", lane="high", retry=SOON)
def stubborn(unit: int, failures: int) -> None:
    with _saying():
        claim = current.claim.get()
        if claim is not None and claim.failures < failures:
            raise ValueError("not yet")
        _see_to_it(unit)


@job(queue="notifications", atomic=True)
def add(unit: int, step: int, value: int, more: int) -> int:
    _say(BEGUN)
    count(unit, step, value + more)
    return value + more


@job(queue="bookings", lane="low")
def total(unit: int, step: int, values: list[int]) -> int:
    with _saying():
        _see_to_it(unit, step, sum(values))
        return sum(values)


def _see_to_it(unit: int, step: int = 0, value: int | None = None) -> None:
    """Have it done, however often this is called."""
    done = text(f"{_ONCE} DO NOTHING")
    with transaction():
        session().execute(done, {"unit": unit, "step": step, "value": value})


@contextmanager
def _saying() -> Iterator[None]:
    """Say that the work begins, and that it has ended when it is done."""
    _say(BEGUN)
    yield
    _say(ENDED)


def _say(what: str) -> None:
    os.write(_diary(), f"{what} {current.run_id()}\n".encode())


@cache
def _diary() -> int:
    return os.open(Path(os.environ[DIARY]), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
