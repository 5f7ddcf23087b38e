from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from threading import Barrier, Thread
from uuid import UUID

import pytest
from flask import Flask, current_app
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import IntegrityError

from jobs.runtime import ImpossibleTime, cancel, cancel_all, execute, store
from jobs.runtime.models import JobRun, RunState
from tests.jobs import sample
from tests.jobs.workers import row
from webapp.core.db import session, transaction

pytestmark = pytest.mark.usefixtures("effects")

HOUR = timedelta(hours=1)
# What text can say and neither Python nor PostgreSQL can then say again in UTC.
FIRST_OF_ALL = datetime.min.replace(tzinfo=timezone(timedelta(hours=12)))
LAST_OF_ALL = datetime.max.replace(tzinfo=timezone(timedelta(hours=-12)))


def ask(key: str = "key") -> UUID:
    return sample.mark.unique(key, within=HOUR).enqueue("x")


def test_a_key_holds_while_a_run_waits_and_for_a_while_after_it_has_succeeded() -> None:
    first = ask()
    assert ask() == first
    assert execute.run(first) is RunState.SUCCEEDED
    assert ask() == first
    assert sample.mark.unique("key", within=timedelta(microseconds=1)).enqueue("x") != first
    assert ask("another key") != first


def test_after_that_while_it_is_free_again() -> None:
    first = ask()
    execute.run(first)
    with transaction():
        session().execute(update(JobRun).values(finished_at=datetime.now(UTC) - HOUR - timedelta(seconds=1)))
    assert ask() != first


def test_a_run_that_died_or_was_cancelled_leaves_the_key_free() -> None:
    dead = sample.refuse.unique("dead", within=HOUR).enqueue("no")
    assert execute.run(dead) is RunState.DEAD
    assert sample.refuse.unique("dead", within=HOUR).enqueue("no") != dead
    later = sample.mark.unique("cancelled", within=HOUR).after(HOUR, "x")
    with transaction():
        assert cancel(sample.mark, unique_key="cancelled") == later
    assert ask("cancelled") != later


def test_several_keys_are_taken_back_at_once_but_for_what_has_begun_and_what_is_another_jobs() -> None:
    later = [sample.mark.unique(key).after(HOUR, "x") for key in ("one", "two", "three")]
    begun, others = sample.mark.unique("begun").enqueue("x"), sample.refuse.unique("one").after(HOUR, "no")
    with transaction():
        assert store.take(begun, worker="somebody", lease=60)
    with transaction():
        assert sorted(cancel_all(sample.mark, unique_keys=["one", "two", "begun", "none"])) == sorted(later[:2])
        assert cancel_all(sample.mark, unique_keys=[]) == []
    states = [row(run).state for run in (*later, begun, others)]
    cancelled, waits = RunState.CANCELLED, RunState.WAITING
    assert states == [cancelled, cancelled, waits, RunState.RUNNING, waits]


def test_without_a_while_it_is_the_same_as_once() -> None:
    first = sample.mark.once("key", "x")
    assert sample.mark.unique("key").enqueue("x") == first
    execute.run(first)
    assert sample.mark.unique("key").enqueue("x") != first


def test_it_may_be_for_later() -> None:
    when = datetime.now(UTC) + HOUR
    run_id = sample.mark.unique("key", within=HOUR).at(when, "x", times=2)
    assert row(run_id).run_at == when
    assert row(run_id).arguments == {"name": "x", "times": 2}


def test_of_many_who_ask_at_once_while_it_runs_and_ends_one_is_heard() -> None:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # the proxy's own way
    barrier, answers = Barrier(6), []

    def ask_and_run() -> None:
        with app.app_context():
            barrier.wait()
            for _ in range(5):
                run_id = ask()
                answers.append(run_id)
                execute.run(run_id)

    threads = [Thread(target=ask_and_run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(answers)) == 1
    with transaction():
        assert session().scalar(select(func.count()).select_from(JobRun)) == 1
    assert sample.marks() == {"x": 1}


def test_each_job_has_keys_of_its_own() -> None:
    mark = sample.mark.once("booking:1", "x")
    typed = sample.mark_atomically.once("booking:1", "y")
    lasting = sample.mark_many.unique("booking:1", within=HOUR).enqueue(["z"])
    assert len({mark, typed, lasting}) == 3
    assert sample.mark_atomically.once("booking:1", "y") == typed
    with transaction():
        assert cancel(sample.mark_atomically, unique_key="booking:1") == typed
        assert cancel(sample.mark_atomically, unique_key="booking:1") is None
    assert row(mark).state is RunState.WAITING


def test_a_long_key_is_its_own_too() -> None:
    first, second = (sample.mark.once("x" * 199 + letter, "x") for letter in "ab")
    assert first != second
    assert sample.mark.once("x" * 199 + "a", "x") == first
    with transaction():
        assert cancel(sample.mark, unique_key="x" * 199 + "b") == second


@pytest.mark.parametrize("key", ["", "x" * 201, "a\0b", "\ud800"])
def test_a_key_that_cannot_be_kept_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="a unique key has 1 to 200 characters"):
        sample.mark.once(key, "x")


@pytest.mark.parametrize("within", [timedelta(), timedelta(seconds=-1), timedelta(days=8)])
def test_a_while_that_nobody_could_keep_is_refused(within: timedelta) -> None:
    with pytest.raises(ValueError, match="JOB_RETENTION_DAYS"):
        sample.mark.unique("key", within=within)


def test_a_job_without_a_row_cannot_be_unique() -> None:
    with pytest.raises(ValueError, match="durable=False"):
        sample.mark_cheaply.once("key", "x")


def test_a_time_without_its_zone_is_refused_before_anything_is_written() -> None:
    with pytest.raises(ValueError, match="give the time with its zone"):
        sample.mark.at(datetime(2030, 1, 1), "x")  # noqa: DTZ001  # that is the point
    with transaction():
        assert session().scalar(select(func.count()).select_from(JobRun)) == 0


@pytest.mark.parametrize("when", [FIRST_OF_ALL, LAST_OF_ALL, datetime(2200, 1, 1, tzinfo=UTC)])
def test_a_time_at_which_nothing_can_be_due_is_refused(when: datetime) -> None:
    for ask in (sample.mark.at, sample.mark.unique("key").at):
        with pytest.raises(ImpossibleTime, match="from 1971 to 2199"):
            ask(when, "x")


@pytest.mark.parametrize("delay", [timedelta.max, timedelta.min, timedelta(days=365 * 300)])
def test_a_delay_that_nobody_could_wait_for_is_refused(delay: timedelta) -> None:
    for ask in (sample.mark.after, sample.mark.unique("key").after):
        with pytest.raises(ImpossibleTime):
            ask(delay, "x")


def test_the_table_itself_takes_no_time_that_nobody_can_read() -> None:
    run_id = sample.mark.enqueue("x")
    for when in ("0001-01-01 00:00:00+12", "9999-12-31 23:59:59-12", "infinity"):
        with pytest.raises(IntegrityError, match="ck_job_run_run_at"), transaction():
            session().execute(text("UPDATE job_run SET run_at = :when WHERE id = :id"), {"when": when, "id": run_id})
