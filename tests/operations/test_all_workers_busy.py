"""When every worker is busy, alerts are looked for and told of all the same, by the watchmen beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask import Flask
from redis import Redis

from jobs import operations
from jobs.runtime import execute
from jobs.runtime.models import JobRun, RunState
from jobs.watchman import Watchman
from tests import factories
from tests.conftest import Servers
from tests.jobs import labour
from tests.jobs.workers import Worker, go, process_of
from tests.operations.background import later, run
from tests.operations.conftest import eventually
from webapp.core import clock
from webapp.core.db import session, transaction
from webapp.operations import alerts, memory, samples
from webapp.operations.models import QueueSample

JOB = "operations.replay_dead_letters"
SLOW = f"Alert: {JOB} takes too long"


@pytest.fixture(autouse=True)
def _soon(with_setting: Callable[[str, str], None]) -> None:
    with_setting("ALERT_CHECK_SECONDS", "0.2")
    with_setting("ALERT_MEMORY_PERCENT", "100")


def mails(servers: Servers) -> Counter[str]:
    return Counter(str(mail["Subject"]) for mail in servers.smtp.messages)


def nobody_has_looked_for_long() -> None:
    with transaction():
        session().add(QueueSample(taken_at=later(minutes=-1), numbers={"queues": {}, "jobs": {}}))


def on_duty(redis: Redis) -> Watchman:
    """A watchman that has been there for long enough to know that nobody else looks."""
    watchman = Watchman(redis)
    eventually(watchman.has_settled_in)
    return watchman


def work() -> None:
    """Do all that waits, and what follows from it, as if it were later."""
    while True:
        session().rollback()
        due = session().query(JobRun.id).filter(JobRun.state == RunState.WAITING).all()
        session().rollback()
        if not due:
            return
        for row in due:
            with transaction():
                session().query(JobRun).filter(JobRun.id == row.id).update({"run_at": clock.now()})
            execute.run(row.id)


def test_jobs_that_hold_every_process_are_told_of_while_they_do(
    app: Flask, servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALERT_CHECK_SECONDS", "2")
    monkeypatch.setenv("ALERT_JOB_SECONDS", "1")
    factories.member()
    with Worker(tmp_path, processes=2):
        for mark in ("a", "b"):
            labour.hold.enqueue(mark)
            process_of("began", mark)
        eventually(lambda: mails(servers) == {"Alert: tests.jobs.labour.hold takes too long": 1})
        for mark in ("a", "b"):
            go(mark)


def test_however_many_watch_it_is_looked_once_and_everybody_told_once(
    app: Flask, redis: Redis, servers: Servers
) -> None:
    factories.member()
    run(RunState.RUNNING, name=JOB, started_at=later(seconds=-40))
    nobody_has_looked_for_long()
    watchmen = [on_duty(redis) for _ in range(4)]

    def look(watchman: Watchman) -> None:
        with app.app_context():
            watchman.look()

    with ThreadPoolExecutor(len(watchmen)) as pool:
        list(pool.map(look, watchmen))
    assert mails(servers) == {SLOW: 1}
    assert session().query(QueueSample).count() == 2
    work()
    assert mails(servers) == {SLOW: 1}


def test_what_a_job_has_found_and_nobody_is_free_to_tell_is_told(app: Flask, redis: Redis, servers: Servers) -> None:
    factories.member()
    run(RunState.RUNNING, name=JOB, started_at=later(seconds=-40))
    watchman = on_duty(redis)
    operations.look_for_alerts()
    with transaction():
        session().query(QueueSample).update({"taken_at": later(minutes=-1)})
    watchman.look()
    assert mails(servers) == {SLOW: 1}
    work()
    assert mails(servers) == {SLOW: 1}


def test_who_has_just_come_leaves_it_to_jobs(
    app: Flask, redis: Redis, with_setting: Callable[[str, str], None]
) -> None:
    with_setting("ALERT_CHECK_SECONDS", "30")
    run(RunState.RUNNING, name=JOB, started_at=later(seconds=-40))
    nobody_has_looked_for_long()
    Watchman(redis).look()
    assert alerts.open_alerts() == []


def test_while_jobs_look_no_watchman_does(app: Flask, redis: Redis) -> None:
    run(RunState.RUNNING, name=JOB, started_at=later(seconds=-40))
    with transaction():
        session().add(QueueSample(taken_at=later(minutes=1), numbers={"queues": {}, "jobs": {}}))
    on_duty(redis).look()
    assert alerts.open_alerts() == []


def test_what_tells_of_an_alert_goes_before_what_may_be_the_matter() -> None:
    for teller in (operations.tell_operators_of_alert, operations.tell_operators_of_recovery):
        assert teller.route() == ("maintenance", "high")


def test_each_machine_says_how_short_of_memory_it_is_and_one_look_sees_all(
    app: Flask, redis: Redis, monkeypatch: pytest.MonkeyPatch, with_setting: Callable[[str, str], None]
) -> None:
    with_setting("ALERT_MEMORY_PERCENT", "80")
    for host, share in (("one", 0.95), ("two", 0.5), ("three", 0.9)):
        monkeypatch.setattr(memory, "machine_share", lambda share=share: share)
        monkeypatch.setattr("socket.gethostname", lambda host=host: host)
        Watchman(redis).look()
    monkeypatch.undo()
    assert memory.machine_shares(redis=redis) == {"one": 0.95, "two": 0.5, "three": 0.9}
    operations.look_for_alerts()
    assert {alert.subject: alert.value for alert in alerts.open_alerts()} == {"one": 0.95, "three": 0.9}


def test_a_machine_that_has_fallen_silent_is_not_read(
    app: Flask, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "machine_share", lambda: 0.95)
    memory.report(redis=redis)
    monkeypatch.setattr(memory, "FRESH_SECONDS", -1)
    assert memory.machine_shares(redis=redis) == {}
    assert redis.hlen(memory.KEY) == 0
    assert samples.age() is None
