"""When workers, schedulers or Redis are gone, people are told by those who are left: once, and once when it is over."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask import Flask
from redis import Redis
from sqlalchemy import select

from devserver.servers import EmbeddedRedis
from jobs import operations
from jobs.runtime import execute
from jobs.runtime.models import JobRun
from jobs.runtime.prefork.worker import PreforkWorker
from jobs.watchman import Watchman
from tests import factories
from tests.conftest import Servers
from tests.jobs.workers import Worker
from tests.operations.conftest import eventually, our_process
from webapp.core.db import session, transaction
from webapp.core.redis import jobs_redis
from webapp.notifications.models import Delivery, DeliveryStatus
from webapp.operations import alerts, queries
from webapp.operations.models import AlertKind

SECONDS = 0.3

NO_WORKER, NO_SCHEDULER = "Alert: No worker is alive", "Alert: No scheduler is alive"
NO_REDIS = "Alert: Redis, which carries the background jobs, cannot be reached"


@pytest.fixture(autouse=True)
def _soon(with_setting: Callable[[str, str], None]) -> None:
    with_setting("ALERT_ABSENCE_SECONDS", str(SECONDS))


@pytest.fixture
def own_redis(app: Flask, tmp_path: Path, with_setting: Callable[[str, str], None]) -> Iterator[EmbeddedRedis]:
    """A server for the jobs of one test, which may stop it."""
    with EmbeddedRedis(tmp_path / "redis", persistent=False) as server:
        with_setting("REDIS_URL", server.url)
        jobs_redis.cache_clear()
        yield server
    jobs_redis.cache_clear()


def mails(servers: Servers) -> Counter[str]:
    return Counter(str(mail["Subject"]) for mail in servers.smtp.messages)


def missing() -> set[AlertKind]:
    with transaction():
        return {alert.kind for alert in alerts.open_alerts()}


def is_there(redis: Redis) -> PreforkWorker:
    """A worker and a scheduler, as Redis knows them."""
    redis.set(queries.SCHEDULER_LEADER_KEY, "somebody")
    worker = PreforkWorker(["bookings"], name="somebody", redis=redis)
    worker.beat(state="idle", order=None)
    return worker


def test_being_away_for_a_moment_as_in_a_release_is_no_alert(app: Flask, redis: Redis) -> None:
    watchman = Watchman(redis)
    watchman.look()
    is_there(redis)
    time.sleep(SECONDS)
    watchman.look()
    redis.flushall()
    watchman.look()
    assert missing() == set()


def test_however_many_miss_them_each_person_is_told_once(app: Flask, redis: Redis, servers: Servers) -> None:
    owner = factories.member()
    watchmen = [Watchman(redis) for _ in range(4)]

    def look(watchman: Watchman) -> None:
        with app.app_context():
            watchman.look()

    with ThreadPoolExecutor(len(watchmen)) as pool:
        list(pool.map(look, watchmen))
        time.sleep(SECONDS)
        for _ in range(3):
            list(pool.map(look, watchmen))
    assert mails(servers) == {NO_WORKER: 1, NO_SCHEDULER: 1}
    with transaction():
        assert set(session().scalars(select(Delivery.status))) == {DeliveryStatus.SENT}
    for alert in alerts.open_alerts():  # workers that come back find nothing left to tell
        operations.send_alert(alert.id, owner.id)
    assert mails(servers).total() == 2


def test_a_mail_server_that_is_away_as_well_is_tried_again(app: Flask, redis: Redis, servers: Servers) -> None:
    factories.member()
    is_there(redis)
    redis.delete(queries.SCHEDULER_LEADER_KEY)
    watchman = Watchman(redis)
    watchman.look()
    time.sleep(SECONDS)
    servers.smtp.answers.append("451 try again later")
    watchman.look()
    assert mails(servers) == {}
    watchman.look()
    assert mails(servers) == {NO_SCHEDULER: 1}


def test_redis_being_away_is_told_and_says_nothing_of_the_others(
    own_redis: EmbeddedRedis, servers: Servers, app: Flask
) -> None:
    factories.member()
    watchman = Watchman(jobs_redis())
    is_there(jobs_redis())
    watchman.look()
    own_redis.stop()
    watchman.look()
    time.sleep(SECONDS)
    watchman.look()
    assert missing() == {AlertKind.NO_REDIS}
    assert mails(servers) == {NO_REDIS: 1}
    own_redis.start()
    watchman.look()
    assert missing() == set()
    for run in session().scalars(select(JobRun).order_by(JobRun.id)).all():
        execute.run(run.id)
    for run in session().scalars(select(JobRun).where(JobRun.name == operations.send_recovery.name)).all():
        execute.run(run.id)
    assert mails(servers) == {NO_REDIS: 1, NO_REDIS.replace("Alert", "Over"): 1}


def test_workers_and_schedulers_that_are_stopped_miss_each_other(
    app: Flask, servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALERT_ABSENCE_SECONDS", "1")
    factories.member()
    told = Counter({NO_SCHEDULER: 1})
    with Worker(tmp_path) as worker:
        eventually(lambda: mails(servers) == told)
        with our_process("jobs.scheduler"):
            told["Over: No scheduler is alive"] += 1
            eventually(lambda: mails(servers) == told)
            worker.stop()
            assert worker.ended() == 0
            told[NO_WORKER] += 1
            eventually(lambda: mails(servers) == told)
            with Worker(tmp_path):
                told["Over: No worker is alive"] += 1
                eventually(lambda: mails(servers) == told)
