"""What is said of jobs at /metrics is what has happened to them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families
from redis import Redis
from sqlalchemy import text

from jobs.runtime import Job, execute
from jobs.runtime.models import RunState
from tests.jobs import labour, sample
from tests.jobs.conftest import effects
from tests.jobs.workers import Worker
from tests.operations.conftest import eventually
from webapp.core import measures
from webapp.core.db import session, transaction

__all__ = ["effects"]

SUFFIXES = ("_total", "_seconds_count")


@pytest.fixture(autouse=True)
def _from_zero(effects: Flask, redis: Redis) -> None:
    measures.flush()
    redis.delete(measures.KEY)


def counted(app: Flask, job: Job[..., Any]) -> dict[str, float]:
    """What /metrics says of a job: how often what was counted, and how many durations."""
    measures.flush()
    families = text_string_to_metric_families(app.test_client().get("/metrics").text)
    return dict(_of(job.name, (sample for family in families for sample in family.samples)))


def _of(name: str, samples: Iterator[Any]) -> Iterator[tuple[str, float]]:
    for one in samples:
        if one.labels.get("job") == name and one.name.endswith(SUFFIXES):
            assert one.labels["queue"] in {"maintenance", "bookings"}
            yield one.name.removeprefix("almanac_").removesuffix("_total").removesuffix("_seconds_count"), one.value


def try_again(run_id: UUID) -> RunState | None:
    """Run it, as if the pause before its next try were over."""
    with transaction():
        session().execute(text("UPDATE job_run SET run_at = now() WHERE id = :id"), {"id": run_id})
    return execute.run(run_id)


def test_jobs_that_went_well_failed_and_died_are_counted_as_that(effects: Flask, tmp_path: Path) -> None:
    sample.mark.enqueue("a")
    sample.mark_cheaply.enqueue("b")
    labour.fail_cheaply.enqueue("c")
    failing = sample.fail.enqueue("d")
    with Worker(tmp_path, "--burst") as worker:
        assert worker.ended() == 0
    once = {"jobs_enqueued": 1, "jobs_started": 1, "job_wait": 1, "job_run": 1}
    eventually(lambda: counted(effects, sample.mark) == {**once, "jobs_succeeded": 1})
    assert counted(effects, sample.mark_cheaply) == {**once, "jobs_succeeded": 1}
    assert counted(effects, labour.fail_cheaply) == {**once, "jobs_failed": 1}
    assert counted(effects, sample.fail) == {**once, "jobs_failed": 1, "jobs_retried": 1}
    assert try_again(failing) is RunState.WAITING
    assert try_again(failing) is RunState.DEAD
    thrice = {"jobs_started": 3, "job_wait": 3, "job_run": 3, "jobs_failed": 3}
    assert counted(effects, sample.fail) == {"jobs_enqueued": 1, **thrice, "jobs_retried": 2, "jobs_dead": 1}


def test_a_job_without_a_row_has_waited_since_it_was_enqueued(effects: Flask, redis: Redis) -> None:
    run_id = sample.mark_cheaply.enqueue("a")
    since = UUID(int=run_id.int - (90_000 << 80))  # as one that was enqueued 90 s ago
    for drawn in (since, str(since), "by RQ or by hand", "6a1f0c52-5f0e-4b5c-9d55-0f0b7d1f2a11"):
        execute.run_transient(sample.mark_cheaply, run_id=drawn, arguments={"name": "a"})
    assert counted(effects, sample.mark_cheaply)["job_wait"] == 2
    sums = {series.name: value for series, value in measures.read_all() if series.part == "sum"}
    assert 180 <= sums["job_wait_seconds"] < 200
