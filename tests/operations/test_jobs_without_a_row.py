"""Jobs declared with `durable=False` have no rows; the console shows what is known of them all the same."""

from __future__ import annotations

import pytest
from flask import Flask
from redis import Redis
from rq.job import Job
from rq.serializers import JSONSerializer

from jobs.runtime import unrecorded
from jobs.runtime.prefork.exchange import Exchange
from jobs.runtime.prefork.worker import PreforkWorker
from tests import factories
from tests.jobs import labour
from tests.scheduling.pages import Visitor
from webapp.core import measures

PAGE = "/admin/jobs/unrecorded"


@pytest.fixture
def visitor(app: Flask) -> Visitor:
    return Visitor(app).sign_in(factories.member())


def fail(redis: Redis, error: Exception) -> str:
    """Have a worker take the job that waits, and note that it failed."""
    worker = PreforkWorker(["bookings"], name="host.1.abcd", redis=redis)
    [order] = Exchange(redis, worker=worker.name, names=["bookings"]).trade(want=1)
    worker.record_failure(order, error)
    return order.id


def test_what_failed_is_shown_with_its_error_and_without_its_arguments(visitor: Visitor, redis: Redis) -> None:
    for number in range(3):
        labour.fail_cheaply.enqueue(f"argument-{number}")
    failed = [fail(redis, ValueError(f"no {number}: <b> redis://:geheim@host")) for number in range(3)]
    page = visitor.open(PAGE)
    for number, run_id in enumerate(failed):
        assert f"ValueError: no {number}: <b> redis://:[hidden]@host" in page.words
        assert run_id[-12:] in page.words
    assert "argument-" not in page.answer.text
    assert "<b>" not in page.answer.text
    assert [run.id for run in unrecorded.failed_runs(redis, limit=2)] == failed[:0:-1]


def test_redis_keeps_no_error_with_what_looks_like_a_secret(app: Flask, redis: Redis) -> None:
    labour.fail_cheaply.enqueue("x")
    run_id = fail(redis, ValueError("smtp://almanac:hunter2@mail.test refused Bearer abcdefghijkl"))
    result = Job.fetch(run_id, connection=redis, serializer=JSONSerializer).latest_result()
    assert result is not None
    assert "smtp://almanac:[hidden]@mail.test refused Bearer [hidden]" in str(result.exc_string)


def test_what_they_did_in_the_last_hour_is_counted(visitor: Visitor) -> None:
    measures.count("jobs_succeeded", 7, job=labour.work_cheaply.name, queue="bookings")
    measures.count("jobs_failed", 2, job=labour.work_cheaply.name, queue="bookings")
    measures.observe("job_run_seconds", 0.2, job=labour.work_cheaply.name, queue="bookings")
    measures.flush()
    assert f"{labour.work_cheaply.name} bookings 7 2 2" in " ".join(visitor.open(PAGE).words.split())


def test_runs_that_have_rows_are_left_to_their_pages(visitor: Visitor, redis: Redis) -> None:
    labour.work.enqueue("recorded")
    fail(redis, ValueError("told by its row"))  # as a stock worker does
    assert "None failed in the last 24 hours" in visitor.open(PAGE).words


def test_the_list_of_runs_leads_there(visitor: Visitor) -> None:
    assert PAGE in visitor.open("/admin/jobs/runs").answer.text
