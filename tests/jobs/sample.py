"""Jobs that only the tests have."""

from __future__ import annotations

import time
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from jobs.runtime import Postponed, RetryLater, RetryPolicy, current, group, job, progress
from webapp.core.db import session, transaction
from webapp.core.failures import PermanentFailure, TemporaryFailure, Unavailable

TWICE = RetryPolicy("twice", (0.2, 0.2))


def leave_mark(mark: str) -> None:
    """Count, in the database, that something happened."""
    with transaction():
        mark_here(mark)


def mark_here(mark: str) -> None:
    session().execute(
        text("INSERT INTO effect VALUES (:mark, 1) ON CONFLICT (mark) DO UPDATE SET times = effect.times + 1"),
        {"mark": mark},
    )


def marks() -> dict[str, int]:
    with transaction():
        return {row.mark: row.times for row in session().execute(text("SELECT mark, times FROM effect"))}


@job(queue="maintenance")
def mark(name: str, times: int = 1) -> dict[str, int]:
    for _ in range(times):
        leave_mark(name)
    return {"times": times}


@job(queue="maintenance", lane="low")
def mark_when_there_is_time(name: str) -> None:
    leave_mark(name)


@job(queue="maintenance", atomic=True)
def mark_atomically(name: str) -> None:
    mark_here(name)


@job(queue="maintenance", durable=False)
def mark_cheaply(name: str) -> None:
    leave_mark(name)


@job(queue="maintenance", retry=TWICE)
def fail(message: str) -> None:
    leave_mark(message)
    raise ValueError(message)


class Broken(Exception):
    """It cannot be mended by waiting."""


class Absent(Broken):
    """Nor can this."""


@job(queue="maintenance", retry=TWICE, give_up_on=(Broken,))
def give_up_when_broken(how: str) -> None:
    raise_as(how)


@job(queue="maintenance", retry=RetryPolicy("for the absent", TWICE.delays, retry_on=(Absent,)), retry_on=(OSError,))
def retry_when_away(how: str) -> None:
    raise_as(how)


def raise_as(how: str) -> None:
    raise {
        "broken": Broken("broken"),
        "absent": Absent("absent"),
        "away": ConnectionError("away"),
        "value": ValueError("no"),
        "temporary": TemporaryFailure("busy", retry_after=0),
        "unavailable": Unavailable("down", retry_after=1),
        "later": RetryLater(1),
        "postponed": Postponed(1),
    }[how]


@job(queue="maintenance", retry=TWICE)
def refuse(message: str) -> None:
    raise PermanentFailure(message)


@job(queue="maintenance", retry=TWICE)
def ask_to_wait(seconds: float, how: str) -> None:
    if how == "temporary":
        raise TemporaryFailure("busy", retry_after=seconds)
    raise Postponed(seconds) if how == "postponed" else RetryLater(seconds)


@job(queue="maintenance", atomic=True)
def mark_many(names: list[str]) -> None:
    group(*(mark.s(name) for name in names)).enqueue()


@job(queue="maintenance", soft_time_limit=1, time_limit=2, retry=TWICE)
def dawdle() -> None:
    while True:
        try:
            sum(range(1000))
        except Exception:  # noqa: BLE001  # a job that swallows everything it can
            continue


@job(queue="maintenance")
def typed(booking_id: UUID, when: datetime, note: str = "", count: int = 0) -> None:
    leave_mark(f"{type(booking_id).__name__} {type(when).__name__} {note} {count}")


@job(queue="maintenance", retry=TWICE)
def spell(codes: list[int], fails: bool = False) -> dict[str, str]:
    """Return, or fail with, text that could not be given as an argument; as the name of a value, too."""
    said = "".join(map(chr, codes))
    progress(1, 1, said)
    if fails:
        raise ValueError(said)
    return {said: "said"}


@job(queue="maintenance", atomic=True)
def lie_idle() -> None:
    """Leave its transaction alone for longer than the database waits, as a frozen process does; at the first try."""
    claim = current.claim.get()
    if claim is not None and claim.attempt == 1:
        session().execute(text("SET LOCAL idle_in_transaction_session_timeout = '50ms'"))
        time.sleep(0.3)
    mark_here("idle")
