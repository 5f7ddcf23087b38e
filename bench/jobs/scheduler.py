"""`python -m bench scheduler`: many jobs due at once, and how late delayed jobs are, with two schedulers."""

from __future__ import annotations

import argparse
import time
from datetime import UTC, datetime
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

SUMMARY = "the scheduler: ten thousand jobs due at once, and how late delayed jobs are"

_GIVE_UP_SECONDS = 120.0
_QUEUE_KEY = "rq:queue:bookings"
_WAITING = "SELECT id, run_at FROM job_run WHERE state = 'waiting'"


def add_options(parser: argparse.ArgumentParser) -> None:
    """There is nothing that this bench alone can be told."""


def measure(options: argparse.Namespace) -> Report:
    """Have jobs become due all at once and then one by one, and nobody to run them; raises BenchError when stuck."""
    at_once, spread = (2000, 100) if options.quick else (10_000, 1000)
    with installation() as servers:
        where = machine.describe(servers)
        for number in (1, 2):
            servers.start_scheduler(number)
        team = Team(ALMANAC, servers)
        team.start_producer()
        options.say(f"{at_once:,} jobs that are due at once")
        moved = _late(servers, team, "later_at_once", at_once)
        options.say(f"{spread:,} jobs that are due one by one")
        late = _late(servers, team, "later_one_by_one", spread)
    found = {
        "machine": where,
        "at_once": {"jobs": at_once, "moved_within_seconds": round(max(moved), 2)},
        "one_by_one": {
            "jobs": spread,
            "late_p50_seconds": round(percentile(late, 0.5), 3),
            "late_p99_seconds": round(percentile(late, 0.99), 3),
        },
    }
    return Report(name="scheduler", figures=found, text=_text(found))


def _late(servers: Installation, team: Team, label: str, jobs: int) -> list[float]:
    """Return for each job how many seconds after it was due it stood in its queue; empties queue and table again."""
    team.send(label, jobs)
    with Redis.from_url(servers.redis.url) as redis, psycopg.connect(servers.postgres.url) as connection:
        queued = partial(redis.llen, _QUEUE_KEY)
        if not wait_until(lambda: queued() >= jobs, _GIVE_UP_SECONDS):
            raise BenchError(f"only {queued():,} of {jobs:,} jobs were moved to their queue.")
        time.sleep(1)  # in which a second scheduler might have moved some once more
        members: Any = redis.lrange(_QUEUE_KEY, 0, -1)
        if len(members) != jobs or len(set(members)) != jobs:
            raise BenchError(f"{len(members):,} places in the queue for {jobs:,} jobs: some were moved twice.")
        late = [
            (_moved_at(redis, run_id) - run_at).total_seconds()
            for run_id, run_at in connection.execute(_WAITING).fetchall()
        ]
        connection.execute("DELETE FROM job_run")
        redis.delete(_QUEUE_KEY)
    return late


def _moved_at(redis: Redis, run_id: object) -> datetime:
    written: Any = redis.hget(f"rq:job:{run_id}", "enqueued_at")
    moment = datetime.fromisoformat(written.decode())
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _text(found: dict[str, Any]) -> str:
    at_once, one_by_one = found["at_once"], found["one_by_one"]
    targets = [
        Target(
            what=f"{at_once['jobs']:,} jobs due at once are in their queue, each once",
            wanted=2,
            measured=at_once["moved_within_seconds"],
            unit=" s",
            at_most=True,
        ),
        Target(
            what="a delayed job is late by, p99",
            wanted=1,
            measured=one_by_one["late_p99_seconds"],
            unit=" s",
            at_most=True,
        ),
    ]
    return "\n\n".join([machine.sentence(found["machine"]), targets_table(targets)])
