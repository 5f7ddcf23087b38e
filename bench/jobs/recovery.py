"""`python -m bench recovery`: how long until work goes on after Redis was emptied or a worker died."""

from __future__ import annotations

import argparse
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import psycopg
from redis import Redis

from bench import machine
from bench.installation import Installation, installation
from bench.jobs.contenders import ALMANAC
from bench.jobs.team import Team
from bench.report import BenchError, Report, Target, percentile, targets_table
from devserver.servers import wait_until

SUMMARY = "recovery: an emptied Redis, a killed worker"

_AT_ONCE = 4
_GIVE_UP_SECONDS = 180.0
_RENEWED_EVERY_SECONDS = 5.0
_WORKER = ("-m", "jobs.worker", "--processes", str(_AT_ONCE))
_QUEUE_KEY = "rq:queue:bookings"
_CANCEL_UNFINISHED = """
UPDATE job_run SET state = 'cancelled', lease_until = NULL, finished_at = now() WHERE state IN ('waiting', 'running')
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """There is nothing that this bench alone can be told."""


def measure(options: argparse.Namespace) -> Report:
    """Empty Redis under many waiting jobs, then kill workers in the middle of jobs; raises BenchError when stuck."""
    waiting, kills = (10_000, 1) if options.quick else (100_000, 5)
    with installation() as servers:
        where = machine.describe(servers)
        servers.start_scheduler()
        children: list[float] = []
        workers: list[float] = []
        for number in range(kills):
            options.say(f"Killing children and then their worker, {number + 1} of {kills}")
            with _lingering(servers, number) as team:
                children += _kill_children(team)
                workers += _kill_worker(team, servers, pause=_RENEWED_EVERY_SECONDS * number / kills)
        options.say(f"Emptying Redis with {waiting:,} jobs waiting")
        refilled = _empty_redis(servers, waiting)
    found = {
        "machine": where,
        "emptied": {"jobs": waiting, "seconds": round(refilled, 1)},
        "child_killed_seconds": _percentiles(children),
        "worker_killed_seconds": _percentiles(workers),
    }
    return Report(name="recovery", figures=found, text=_text(found))


@contextmanager
def _lingering(servers: Installation, number: int) -> Iterator[Team]:
    """A worker each of whose children is in the middle of a job; nothing of it is left afterwards."""
    team = Team(replace(ALMANAC, name=f"victim-{number}", workers=(_WORKER,)), servers)
    team.start()
    team.send("linger", _AT_ONCE)
    team.wait_for_stamps(_AT_ONCE)
    yield team
    with psycopg.connect(servers.postgres.url) as connection:
        connection.execute(_CANCEL_UNFINISHED)


def _kill_children(team: Team) -> list[float]:
    """Kill all children; return the seconds until others had begun their jobs."""
    killed = time.monotonic_ns()
    for child in team.workers[0].children():
        os.kill(child, signal.SIGKILL)
    return _seconds_until_begun(team, killed, before=_AT_ONCE)


def _kill_worker(team: Team, servers: Installation, *, pause: float) -> list[float]:
    """Kill parent and children beside an idle worker; return the seconds until that one had begun their jobs."""
    heir = servers.program(
        f"heir-of-{team.contender.name}", str(ALMANAC.python), *_WORKER, environment=team.environment
    )
    heir.start()
    team.fill("almanac_durable", _AT_ONCE)  # all others are busy, so these are done once the heir is ready
    team.drain()
    time.sleep(pause)  # a lease is renewed now and then: the crash comes at another moment of that every time
    killed = time.monotonic_ns()
    team.workers[0].kill()
    seconds = _seconds_until_begun(team, killed, before=2 * _AT_ONCE)
    heir.kill()
    return seconds


def _seconds_until_begun(team: Team, killed: int, *, before: int) -> list[float]:
    return [(moment - killed) / 1e9 for moment in team.wait_for_stamps(before + _AT_ONCE)[before:]]


def _empty_redis(servers: Installation, waiting: int) -> float:
    """Have Redis forget everything while jobs wait and nobody works; return the seconds until all are queued again."""
    team = Team(replace(ALMANAC, name="waiting"), servers)
    team.start_producer()
    team.send("almanac_many", waiting)
    with Redis.from_url(servers.redis.url) as redis:
        queued = partial(redis.llen, _QUEUE_KEY)
        redis.flushall()
        began = time.monotonic()
        if not wait_until(lambda: queued() >= waiting, _GIVE_UP_SECONDS):
            raise BenchError(f"only {queued():,} of {waiting:,} jobs are back after {_GIVE_UP_SECONDS:.0f} s.")
        return time.monotonic() - began


def _percentiles(seconds: list[float]) -> dict[str, float]:
    return {
        "p50": round(percentile(seconds, 0.50), 1),
        "p99": round(percentile(seconds, 0.99), 1),
        "samples": len(seconds),
    }


def _text(found: dict[str, Any]) -> str:
    emptied = found["emptied"]
    wanted = (
        (f"Redis emptied, {emptied['jobs']:,} jobs queued again", 60, emptied["seconds"]),
        ("a killed child's job runs again, p99", 15, found["child_killed_seconds"]["p99"]),
        ("a killed worker's job runs elsewhere, p99", 15, found["worker_killed_seconds"]["p99"]),
    )
    targets = [
        Target(what=what, wanted=most, measured=measured, unit=" s", at_most=True) for what, most, measured in wanted
    ]
    return "\n\n".join([machine.sentence(found["machine"]), targets_table(targets)])
