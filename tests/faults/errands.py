"""The jobs of the fault matrix: each waits where a test has closed its way, and counts in the database what it did."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator
from sqlalchemy import text

from jobs.runtime import RESULT, RetryPolicy, chain, current, job
from webapp.core.db import session, transaction

FOLDER = "ERRANDS_FOLDER"
POLL_SECONDS = 0.02
STOP_SECONDS = 30.0
FAT_MEGABYTES = 400

AT_ONCE = RetryPolicy("at once", (0.1,))

TABLES = """
CREATE TABLE effect (mark text PRIMARY KEY, times int NOT NULL);
-- Whoever waits here waits for the test, which may be slow itself: longer than for a lock of somebody's.
CREATE FUNCTION pass_gate() RETURNS trigger LANGUAGE plpgsql SET lock_timeout = '60s' AS $$
DECLARE
    mark text := coalesce(to_jsonb(NEW) -> 'arguments' ->> 'mark', to_jsonb(NEW) ->> 'name');
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended(TG_ARGV[0] || ' ' || mark, 0));
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER gate_told AFTER INSERT ON job_run DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION pass_gate('told');
CREATE CONSTRAINT TRIGGER gate_taken AFTER UPDATE ON job_run DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (OLD.state = 'waiting' AND NEW.state = 'running') EXECUTE FUNCTION pass_gate('taken');
CREATE CONSTRAINT TRIGGER gate_ended AFTER UPDATE ON job_run DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (OLD.state = 'running' AND NEW.state = 'succeeded') EXECUTE FUNCTION pass_gate('ended');
CREATE CONSTRAINT TRIGGER gate_put_back AFTER UPDATE ON job_run DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (OLD.failures < NEW.failures) EXECUTE FUNCTION pass_gate('put back');
CREATE CONSTRAINT TRIGGER gate_ticked AFTER INSERT ON job_tick DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION pass_gate('ticked');
"""


def way(what: str, mark: str) -> Path:
    """Return the file that says `what` of the way of `mark`: "closed at …", "reached at …" or "open at …"."""
    return Path(os.environ[FOLDER]) / f"{mark} {what}"


def stop_at(place: str, mark: str) -> None:
    """Wait, if a test has closed the way here, until it opens it; no server can be in the way of that."""
    if not way(f"closed at {place}", mark).exists():
        return
    way(f"reached at {place}", mark).touch()
    end = time.monotonic() + STOP_SECONDS
    while not way(f"open at {place}", mark).exists() and time.monotonic() < end:
        time.sleep(POLL_SECONDS)


def _begin(mark: str) -> str:
    if current.claim.get() is not None:  # elsewhere the argument is only looked at
        stop_at("start", mark)
    return mark


Mark = Annotated[str, AfterValidator(_begin)]


@job(queue="bookings", atomic=True, retry=AT_ONCE)
def errand(mark: Mark) -> None:
    _say_begun(mark)
    _count(mark)
    stop_at("middle", mark)


@job(queue="bookings", retry=AT_ONCE)
def commit_itself(mark: Mark) -> None:
    _say_begun(mark)
    stop_at("middle", mark)
    with transaction():
        _count(mark)


@job(queue="bookings", atomic=True, retry=AT_ONCE)
def second_try(mark: Mark) -> None:
    _say_begun(mark)
    claim = current.claim.get()
    if claim is not None and not claim.failures:
        raise ValueError("not at the first try")
    _count(mark)


@job(queue="bookings", atomic=True, retry=AT_ONCE)
def second_step(mark: Mark, before: str) -> None:
    _count(before)
    _count(mark)


@job(queue="bookings", retry=AT_ONCE, atomic=True)
def first_step(mark: Mark) -> str:
    _say_begun(mark)
    return f"{mark} before"


def ask(kind: str, mark: str) -> None:
    """Enqueue an errand of this kind, in the caller's transaction."""
    if kind == "two steps":
        chain(first_step.s(mark), second_step.s(f"{mark} second", RESULT)).start()
    else:
        {"errand": errand, "second try": second_try, "own commit": commit_itself}[kind].enqueue(mark)


def _count(mark: str) -> None:
    session().execute(
        text("INSERT INTO effect VALUES (:mark, 1) ON CONFLICT (mark) DO UPDATE SET times = effect.times + 1"),
        {"mark": mark},
    )


def _say_begun(mark: str) -> None:
    with way("begun", mark).open("a") as file:
        file.write("begun\n")


def _be_ready_to_grow() -> None:
    threading.Thread(target=_grow_when_told, daemon=True).start()


def _grow_when_told() -> None:
    """Take memory, once a test has named this process, until somebody does something about it."""
    told = way("grows", str(os.getpid()))
    while not told.exists():
        time.sleep(POLL_SECONDS)
    taken = os.urandom(1024 * 1024) * FAT_MEGABYTES
    time.sleep(STOP_SECONDS + len(taken[:1]))


if FOLDER in os.environ:
    os.register_at_fork(after_in_child=_be_ready_to_grow)
