"""Counting costs the caller next to nothing, and what was counted is neither lost nor doubled."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import Any

from redis import Redis

from tests.conftest import Servers
from tests.operations.conftest import ROOT, eventually
from tests.peers.cutting_proxy import CuttingProxy
from webapp.core import measures


def stored(name: str) -> dict[tuple[tuple[str, ...], str], float]:
    return {(series.values, series.part): value for series, value in measures.read_all() if series.name == name}


def forget(redis: Redis) -> None:
    """Have nothing counted: neither in Redis nor in this process."""
    measures.flush()
    redis.delete(measures.KEY)


def test_counts_are_in_redis_within_a_second_or_two_by_themselves(redis: Redis) -> None:
    forget(redis)
    measures.count("jobs_started", job="a.b", queue="email")
    measures.count("jobs_started", 2, job="a.b", queue="email")
    assert eventually(lambda: stored("jobs_started")) == {(("a.b", "email"), "count"): 3.0}


def test_durations_are_sorted_into_buckets_with_inclusive_bounds(redis: Redis) -> None:
    forget(redis)
    for seconds in (0.001, 0.005, 0.3, 9999.0, -0.2):
        measures.observe("job_run_seconds", seconds, job="a.b", queue="email")
    measures.flush()
    bounds = measures.HISTOGRAMS["job_run_seconds"].bounds
    found = {part: value for (_, part), value in stored("job_run_seconds").items()}
    assert found.pop("count") == 5
    assert round(found.pop("sum"), 3) == round(0.001 + 0.005 + 0.3 + 9999, 3)
    assert found == {"0": 3.0, str(bounds.index(0.5)): 1.0}


def test_a_wrong_name_or_label_is_logged_and_raises_nothing(lines: Any, redis: Redis) -> None:
    measures.count("jobs_invented", job="a", queue="b")  # type: ignore[arg-type]  # that is the point
    measures.count("jobs_started", job="a")
    measures.observe("job_run_seconds", 1.0, job="a", colour="red")
    assert [line["measure"] for line in lines() if line["level"] == "error"] == [
        "jobs_invented",
        "jobs_started",
        "job_run_seconds",
    ]


def test_what_was_counted_while_redis_was_away_arrives_when_it_is_back(servers: Servers, redis: Redis) -> None:
    forget(redis)
    servers.jobs_redis.stop()
    try:
        began = time.monotonic()
        for _ in range(100):
            measures.count("jobs_dead", job="a.b", queue="email")
        assert time.monotonic() - began < 2
        measures.flush()
    finally:
        servers.jobs_redis.start()
    assert eventually(lambda: stored("jobs_dead")) == {(("a.b", "email"), "count"): 100.0}


def test_a_write_whose_answer_got_lost_is_not_counted_again(servers: Servers, redis: Redis) -> None:
    forget(redis)
    program = """
from webapp.core import measures
for queue in ("email", "bookings"):
    measures.count("jobs_dead", job="a.b", queue=queue)
    measures.flush()
"""
    with CuttingProxy(lambda: servers.jobs_redis.port) as proxy:
        lost = proxy.lose_answer_to(b"email")
        environment = os.environ | {"REDIS_URL": f"redis://127.0.0.1:{proxy.port}/0"}
        subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, check=True)
    assert lost.caught.is_set()
    assert stored("jobs_dead") == {(("a.b", "email"), "count"): 1.0, (("a.b", "bookings"), "count"): 1.0}


def test_a_forked_child_counts_for_itself_and_not_its_parents_again(redis: Redis) -> None:
    forget(redis)
    measures.count("jobs_succeeded", job="parent", queue="email")
    child = os.fork()
    if child == 0:
        measures.count("jobs_succeeded", job="child", queue="email")
        measures.flush()
        os._exit(0)
    os.waitpid(child, 0)
    measures.flush()
    assert stored("jobs_succeeded") == {(("parent", "email"), "count"): 1.0, (("child", "email"), "count"): 1.0}


def test_ten_thousand_observations_take_well_under_a_second(redis: Redis) -> None:
    began = time.perf_counter()
    for _ in range(10_000):
        measures.observe("job_run_seconds", 0.3, job="a.b", queue="email")
    assert time.perf_counter() - began < 1.0
