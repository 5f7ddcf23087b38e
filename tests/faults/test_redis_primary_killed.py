from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from devserver.servers import EmbeddedRedis
from devserver.servers import wait_until as poll
from jobs.runtime import carrier
from tests.faults import chores, verdict
from tests.faults.guests import Visit, assert_each_mail_came_once
from tests.faults.harness import Program
from tests.faults.sentinels import GuardedFleet, GuardedInstallation

JOBS = 600
# Until the Sentinels have agreed and promoted, everybody has connected anew, and what was lost is carried again.
STANDSTILL_SECONDS = 15

LONGEST_STANDSTILL = """
SELECT extract(epoch FROM max(pause)) AS seconds FROM (SELECT at - lag(at) OVER (ORDER BY at) AS pause FROM effect) AS p
"""


class Work:
    """A fleet on a Redis with Sentinels, and what it is told to do."""

    def __init__(self, folder: Path) -> None:
        self._diary = folder / "diary"
        self._diary.touch()
        settings = {chores.DIARY: str(self._diary)}
        self.fleet = GuardedFleet(folder, app="tests.faults.chores_app:app", tables=chores.TABLES, **settings)
        self._told = 0

    def tell(self, jobs: int) -> Program:
        """Begin to tell of so many jobs more."""
        self._told += jobs
        options = ("--jobs", str(self._told), "--seed", "1")
        producer = self.fleet.program(f"producer-{self._told}", "tests.faults.producer", *options)
        producer.start()
        return producer

    def wait_until_told(self, producer: Program) -> None:
        self._wait(lambda: producer.has_ended)

    def wait_until_done(self, producer: Program) -> None:
        self._wait(lambda: producer.has_ended and not verdict.unfinished(self.fleet))

    def wait_for_effects(self, number: int) -> None:
        self._wait(lambda: self._one("SELECT count(*) AS number FROM effect")["number"] >= number)

    def longest_standstill(self) -> float:
        """The longest time between two effects, in seconds."""
        return float(self._one(LONGEST_STANDSTILL)["seconds"])

    def verdict(self) -> verdict.Verdict:
        return verdict.judge(self.fleet, self._diary)

    def _wait(self, condition: Callable[[], bool]) -> None:
        assert poll(condition, 60), self.fleet.describe("What the test waits for does not happen.")

    def _one(self, query: str) -> dict[str, Any]:
        return self.fleet.rows(query)[0]


@pytest.fixture
def work(tmp_path: Path) -> Iterator[Work]:
    made = Work(tmp_path)
    with made.fleet as fleet:
        fleet.guard.wait_until_complete()
        yield made


@pytest.mark.slow
def test_guests_who_book_while_a_replica_takes_over_get_their_mails_once(tmp_path: Path) -> None:
    with GuardedInstallation(tmp_path) as almanac:
        almanac.guard.wait_until_complete()
        visit = Visit(almanac, 16)
        visit.wait_for_bookings(5)
        heir = almanac.guard.kill_primary()
        visit.end()
        assert_each_mail_came_once(almanac, visit)
        almanac.wait_until(almanac.is_ready)
        assert keys(heir, "LIMITS*", database=1), "requests are counted where the cache is now"


def test_no_job_is_lost_or_done_twice_when_a_replica_takes_over_under_load(work: Work) -> None:
    work.fleet.man()
    producer = work.tell(JOBS)
    work.wait_for_effects(JOBS // 4)
    work.fleet.guard.kill_primary()
    work.fleet.jobs_redis.start()  # it takes itself for the primary until the Sentinels tell it otherwise
    work.wait_until_done(producer)
    came = work.verdict()
    assert came.holds, came
    assert work.longest_standstill() < STANDSTILL_SECONDS


@pytest.mark.slow
def test_a_replica_that_takes_over_without_the_last_writes_is_given_them_from_the_rows(work: Work) -> None:
    work.fleet.man()
    work.wait_until_done(work.tell(JOBS // 4))
    for program in (*work.fleet.hosts, *work.fleet.schedulers):
        program.kill()
    with work.fleet.guard.replication_cut():
        work.wait_until_told(work.tell(JOBS // 4))
        heir = work.fleet.guard.kill_primary()
    waiting = work.fleet.rows("SELECT id::text FROM job_run WHERE state = 'waiting'")
    assert keys(heir, carrier.MEMORY_KEY), "by its own account it has everything"
    assert not set(keys(heir, "rq:job:*")) & {f"rq:job:{row['id']}".encode() for row in waiting}
    later = work.tell(JOBS // 4)
    for program in (*work.fleet.hosts, *work.fleet.schedulers):
        program.start()
    work.wait_until_done(later)
    came = work.verdict()
    assert came.holds, came


def keys(server: EmbeddedRedis, pattern: str, *, database: int = 0) -> list[bytes]:
    with Redis(port=server.port, db=database) as redis:
        return list(redis.scan_iter(pattern))
