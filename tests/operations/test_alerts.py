"""Alerts: raised once for what is beyond its limit, told once, and told again when it is over."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from redis import Redis
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from jobs import operations, watching
from jobs.runtime import execute
from jobs.runtime.models import JobAttempt, JobRun, Outcome, RunState
from tests import factories
from tests.conftest import Servers
from tests.operations.background import failed_attempt, later, run
from webapp.core import clock, measures
from webapp.core.db import session, transaction
from webapp.identity.models import Role
from webapp.operations import alerts, memory, samples, service
from webapp.operations.alerts import Reading
from webapp.operations.models import Alert, AlertKind, QueueSample

JOB = "operations.replay_dead_letters"


@pytest.fixture(autouse=True)
def _plenty_of_memory(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine that runs the tests may well be short of memory."""
    monkeypatch.setattr(memory, "machine_share", lambda: 0.5)


def look() -> list[Alert]:
    """Check once, and return what is wrong."""
    measures.flush()
    operations.look_for_alerts()
    return alerts.open_alerts()


def settle(*readings: Reading, complete: Iterable[AlertKind] = watching.COMPLETE) -> list[Alert]:
    with transaction():
        alerts.settle(readings, complete=frozenset(complete))
    return alerts.open_alerts()


def deep(value: float, subject: str = "email") -> Reading:
    return Reading(kind=AlertKind.DEEP_QUEUE, subject=subject, value=value, limit=1000.0)


def crowded(value: float, subject: str = "one") -> Reading:
    return Reading(kind=AlertKind.MEMORY, subject=subject, value=value, limit=0.8)


def told(name: str) -> list[UUID]:
    """The alerts for which a job of this name was enqueued."""
    rows = session().query(JobRun).filter(JobRun.name == f"operations.{name}").order_by(JobRun.id)
    return [UUID(row.arguments["alert_id"]) for row in rows]


def move_samples(**span: float) -> None:
    """Let time pass for what was sampled so far."""
    with transaction():
        session().execute(update(QueueSample).values(taken_at=QueueSample.taken_at - timedelta(**span)))


def ended(*, succeeded: int, failed: int) -> None:
    measures.count("jobs_succeeded", succeeded, job=JOB, queue="maintenance")
    measures.count("jobs_failed", failed, job=JOB, queue="maintenance")


def test_one_incident_is_raised_once_and_recovers_once(app: Flask) -> None:
    [alert] = settle(deep(1001))
    assert settle(deep(5000))[0].id == alert.id
    assert settle(deep(950))[0].value == 5000  # no longer over, but not clearly
    assert settle(deep(900)) == []
    assert told("tell_operators_of_alert") == told("tell_operators_of_recovery") == [alert.id]
    [again] = settle(deep(1001))
    assert again.id != alert.id
    assert [past.id for past in alerts.past_alerts()] == [alert.id]


def test_at_the_limit_is_all_right(app: Flask) -> None:
    assert settle(deep(1000)) == []


def test_subjects_are_apart(app: Flask) -> None:
    assert {alert.subject for alert in settle(deep(2000), deep(2000, "bookings"))} == {"email", "bookings"}
    assert {alert.subject for alert in settle(deep(2000), deep(1, "bookings"))} == {"email"}


def test_the_memory_of_another_machine_is_forgotten_only_after_a_while(app: Flask) -> None:
    settle(crowded(0.9))
    assert settle(crowded(0.5, "other"))
    with transaction():
        session().execute(update(Alert).values(seen_at=later(minutes=-11)))
    assert settle(crowded(0.5, "other")) == []


def test_the_database_itself_refuses_a_second_open_alert(app: Flask) -> None:
    settle(deep(2000))
    with pytest.raises(IntegrityError), transaction():
        session().add(Alert(kind=AlertKind.DEEP_QUEUE, subject="email", value=1, limit_value=1))


def test_a_job_over_thirty_seconds(app: Flask) -> None:
    run(RunState.RUNNING, name=JOB, started_at=later(seconds=-29))
    assert look() == []
    slow = run(RunState.RUNNING, name=JOB, started_at=later(seconds=-31))
    [alert] = look()
    assert (alert.kind, alert.subject, alert.limit_value) == (AlertKind.SLOW_JOB, JOB, 30)
    _end(slow, clock.now())
    assert look()  # for five minutes more, in case the next one is as slow
    _end(slow, later(minutes=-6), started_at=later(minutes=-10))
    assert look() == []


def test_an_attempt_that_was_too_long_is_seen_although_it_failed_and_waits_for_the_next(app: Flask) -> None:
    waiting = run(name=JOB, attempt=1, started_at=later(seconds=-50), run_at=later(minutes=5))
    failed_attempt(waiting, started_at=later(seconds=-50), ended_at=later(seconds=-19))
    failed_attempt(run(name=operations.send_alert.name), started_at=later(seconds=-50), ended_at=later(seconds=-21))
    [alert] = look()
    assert (alert.kind, alert.subject, round(alert.value)) == (AlertKind.SLOW_JOB, JOB, 31)
    with transaction():
        session().execute(update(JobAttempt).values(ended_at=later(minutes=-6), started_at=later(minutes=-8)))
    assert look() == []


def test_what_was_interrupted_was_not_slow(app: Flask) -> None:
    waiting = run(name=JOB)
    failed_attempt(waiting, outcome=Outcome.INTERRUPTED, started_at=later(seconds=-50), ended_at=later(seconds=-5))
    assert look() == []


def test_a_job_with_a_limit_of_its_own_may_take_that_long(app: Flask) -> None:
    name = operations.check_system_health.name  # 30 s by its own word
    assert watching.slow_limits()[name] == 30
    run(RunState.SUCCEEDED, name=JOB, started_at=later(seconds=-40))
    assert [alert.subject for alert in look()] == [JOB]


def test_a_fifth_of_the_attempts_failing_is_all_right_and_more_is_not(app: Flask) -> None:
    look()
    ended(succeeded=8, failed=2)
    assert look() == []
    ended(succeeded=0, failed=1)
    [alert] = look()
    assert (alert.kind, alert.subject, round(alert.value, 2)) == (AlertKind.FAILURES, JOB, 0.27)
    move_samples(minutes=6)
    look()
    ended(succeeded=10, failed=0)
    assert look() == []


def test_few_attempts_say_nothing(app: Flask) -> None:
    ended(succeeded=0, failed=4)
    assert look() == []


def test_counts_that_began_anew_are_no_negative_numbers(app: Flask, redis: Redis) -> None:
    ended(succeeded=100, failed=0)
    look()
    redis.delete(measures.KEY)
    ended(succeeded=3, failed=3)
    assert [alert.kind for alert in look()] == [AlertKind.FAILURES]


def test_a_queue_too_deep(app: Flask, with_setting: Callable[[str, str], None]) -> None:
    with_setting("ALERT_QUEUE_DEPTH", "3")
    for _ in range(3):
        operations.replay_dead_letters.enqueue()
    assert look() == []
    operations.check_alerts.enqueue()  # another lane of the same queue
    [alert] = look()
    assert (alert.subject, alert.value) == ("maintenance", 4)


def test_memory_short_on_the_machine_and_in_redis(app: Flask, redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    info: Any = redis.info("memory")
    redis.config_set("maxmemory", int(info["used_memory"] / 0.9))
    monkeypatch.setattr(memory, "machine_share", lambda: 0.93)
    memory.report(redis=redis)
    try:
        found = {alert.subject: alert.value for alert in look()}
    finally:
        redis.config_set("maxmemory", 0)
    assert found.pop("Redis") > 0.8
    assert list(found.values()) == [0.93]


def test_this_machine_can_say_how_much_it_uses() -> None:
    share = memory._meminfo_share()
    assert share is None or 0 < share < 1


def test_owners_and_admins_get_one_mail_each_and_one_when_it_is_over(app: Flask, servers: Servers) -> None:
    owner = factories.member()
    admin = factories.member(of=owner.organization, role=Role.ADMIN)
    factories.member(of=owner.organization, role=Role.MEMBER)
    factories.member(of=owner.organization, role=Role.AUDITOR)
    factories.member(of=owner.organization, role=Role.ADMIN, is_active=False)
    settle(deep(1500))
    settle(deep(1))
    _work()
    _work()  # nothing is left to do
    mails = sorted((str(mail["To"].addresses[0].addr_spec), str(mail["Subject"])) for mail in servers.smtp.messages)
    assert mails == sorted(
        (member.user.email, subject)
        for member in (owner, admin)
        for subject in ("Alert: Too many jobs wait in email", "Over: Too many jobs wait in email")
    )


def test_the_organisation_that_runs_the_installation_is_told_alone(
    app: Flask, with_setting: Callable[[str, str], None]
) -> None:
    operator, tenant = factories.member(), factories.member()
    assert {member.id for member in service.operators()} == {operator.id, tenant.id}
    with_setting("OPERATOR_ORGANIZATION", operator.organization.slug)
    assert [member.id for member in service.operators()] == [operator.id]


def test_the_check_of_each_minute_looks_again_after_half_of_it(app: Flask) -> None:
    operations.check_system_health()
    operations.check_system_health()
    [row] = session().query(JobRun).filter(JobRun.name == "operations.check_alerts")
    assert timedelta(seconds=25) < row.run_at - clock.now() < timedelta(seconds=31)


def test_what_each_job_did_in_the_last_hour_is_told_and_old_samples_go(app: Flask) -> None:
    look()
    move_samples(minutes=61)
    with transaction():
        session().add(QueueSample(taken_at=later(hours=-26), numbers={"queues": {}, "jobs": {}}))
    ended(succeeded=3, failed=1)
    measures.observe("job_run_seconds", 0.2, job=JOB, queue="maintenance")
    measures.flush()
    told_of = operations.monitor_job_performance()["jobs"][JOB]
    assert (told_of["attempts"], told_of["failed_percent"]) == (4, 25.0)
    assert 100 < told_of["run_p95_ms"] <= 250
    assert session().query(QueueSample).filter(QueueSample.taken_at < later(hours=-25)).count() == 0


def test_an_hour_in_steps(app: Flask) -> None:
    with transaction() as current:
        for seconds in range(0, 600, 30):
            work = {"queue": "email", "succeeded": seconds, "failed": 0}
            taken_at = later(seconds=seconds - 600)
            current.add(QueueSample(taken_at=taken_at, numbers={"queues": {"email": 7}, "jobs": {"a.b": work}}))
    steps = samples.intervals(since=timedelta(hours=1), every=timedelta(minutes=2))
    assert 4 <= len(steps) <= 5
    assert all(step.queues["email"].ended == round(step.minutes * 60) for step in steps)
    assert {step.depth["email"] for step in steps} == {7}


def test_percentiles_are_as_fine_as_the_bounds() -> None:
    nothing = [0] * 16
    assert samples.percentile(nothing, 0.5) is None
    assert samples.percentile([*nothing[:-1], 1], 0.5) == 1800
    assert samples.percentile([4, *nothing[1:]], 0.5) == pytest.approx(0.0025)


def _end(one: JobRun, at: datetime, **changes: Any) -> None:
    values = {"state": RunState.SUCCEEDED, "lease_until": None, "finished_at": at} | changes
    with transaction():
        session().execute(update(JobRun).where(JobRun.id == one.id).values(**values))


def _work() -> None:
    """Do all that waits, and what follows from it."""
    while True:
        session().rollback()
        due = session().query(JobRun.id).filter(JobRun.state == RunState.WAITING, JobRun.run_at <= clock.now()).all()
        session().rollback()
        if not due:
            return
        for row in due:
            execute.run(row.id)
