from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from redis import Redis

from devserver.servers import wait_until as poll
from tests.faults import lasting
from tests.faults.fleet import Fleet
from tests.faults.harness import FAST, Program
from webapp.core.settings import Settings
from webapp.operations.queries import live_workers

APP = "tests.faults.lasting_app:app"
JOBS = PROCESSES = 3
ELSEWHERE_SECONDS = 15

BEGUN_ON = """
SELECT extract(epoch FROM started_at) AS since FROM job_run
WHERE name = 'tests.faults.lasting.last' AND state = 'running' AND worker LIKE %(host)s
"""


@pytest.mark.slow
def test_jobs_of_a_host_that_is_lost_run_on_the_other_within_15_seconds(tmp_path: Path) -> None:
    end = tmp_path / "end"
    as_in_production = {name: str(Settings.model_fields[name.lower()].default) for name in FAST}
    with Fleet(tmp_path, app=APP, tables=lasting.TABLES, **{lasting.END: str(end)}, **as_in_production) as fleet:
        first = started_host(fleet, 1)
        fleet.run("flask", "--app", APP, "jobs", "run", "tests.faults.lasting.begin", "--args", f'{{"jobs": {JOBS}}}')
        wait_until(fleet, lambda: len(begun_on(first, fleet)) == JOBS)
        second = started_host(fleet, 2)
        wait_until(fleet, lambda: count_workers(fleet) == 2 * PROCESSES)
        (row,) = fleet.rows("SELECT extract(epoch FROM now()) AS now")
        for program in first:
            program.kill()
        wait_until(fleet, lambda: len(begun_on(second, fleet)) == JOBS)
        waited = [since - float(row["now"]) for since in begun_on(second, fleet)]
        end.touch()
        wait_until(fleet, lambda: len(fleet.rows("SELECT FROM ended")) == JOBS)
        assert {row["times"] for row in fleet.rows("SELECT times FROM ended")} == {1}
        assert max(waited) < ELSEWHERE_SECONDS, waited


def started_host(fleet: Fleet, number: int) -> tuple[Program, Program]:
    """Start the worker and the scheduler of one host; return them."""
    worker = fleet.program(f"worker-{number}", "jobs.worker", "--processes", str(PROCESSES))
    scheduler = fleet.program(f"scheduler-{number}", "jobs.scheduler")
    worker.start()
    scheduler.start()
    return worker, scheduler


def begun_on(host: tuple[Program, Program], fleet: Fleet) -> list[float]:
    """When each of the jobs that run on the host was begun there, in seconds since the epoch."""
    return [float(row["since"]) for row in fleet.rows(BEGUN_ON, host=f"%.{host[0].leader}.%")]


def count_workers(fleet: Fleet) -> int:
    with Redis.from_url(fleet.jobs_redis.url) as redis:
        return len(live_workers(redis=redis))


def wait_until(fleet: Fleet, condition: Callable[[], bool]) -> None:
    assert poll(condition, 60), fleet.describe("What the test waits for does not happen.")
