"""The system looking after itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from pydantic import AwareDatetime

from jobs import watching
from jobs.mailing import send_mail
from jobs.runtime import dead_letters, group, job, progress
from jobs.runtime.dead_letters import DeadLetters
from webapp.core import clock
from webapp.core.db import db, transaction
from webapp.core.logs import get_logger
from webapp.core.redis import jobs_redis
from webapp.identity.queries import find_membership
from webapp.operations import alerts, messages, samples
from webapp.operations.events import AlertRaised, AlertRecovered
from webapp.operations.health import check_health
from webapp.operations.samples import Work
from webapp.operations.service import operators, purge

HALF_A_MINUTE = timedelta(seconds=30)
REPLAY_BATCH = 100
PURGED_AT_ONCE = 500
# Longer than it takes to find a mail server that hangs.
WATCHMANS_TURN = timedelta(minutes=2)

log = get_logger(__name__)


@job(queue="maintenance", lane="high", retry="never", soft_time_limit=30, time_limit=60)
def check_system_health() -> dict[str, Any]:
    """Ask the database, Redis, the workers and the scheduler how they are; log what is missing."""
    health = check_health(engine=db.engine, redis=jobs_redis())
    if health.missing:
        log.error("the system is not well", **{name: health.checks[name] for name in health.missing})
    check_alerts.once_at(clock.now() + HALF_A_MINUTE, "operations:alerts")
    look_for_alerts()
    return {"checks": dict(health.checks)}


@job(queue="maintenance", lane="high", retry="never", soft_time_limit=30, time_limit=60)
def check_alerts() -> None:
    """Look for alerts once more between two minutes, so that what goes wrong is told of within one."""
    look_for_alerts()


def look_for_alerts() -> None:
    """Take a sample of the counts, raise alerts for what is beyond its limit, and end those that are over."""
    numbers = watching.take_sample(redis=jobs_redis())
    with transaction():
        watching.settle(numbers, redis=jobs_redis())


@job(queue="maintenance", lane="high", atomic=True, on=AlertRaised)
def tell_operators_of_alert(alert_id: UUID, is_told: bool = False) -> None:
    """Have everybody who looks after the installation told that something is beyond its limit.

    What a watchman has found it tells of itself; should it have been ended over that, this makes up for it.
    """
    alert = alerts.get(alert_id)
    begin_at = alert.raised_at + WATCHMANS_TURN if is_told else clock.now()
    for member in operators():
        send_alert.at(begin_at, alert_id, member.id)


@job(queue="maintenance", lane="high", atomic=True, on=AlertRecovered)
def tell_operators_of_recovery(alert_id: UUID) -> None:
    """Have everybody who was told of an alert told that it is over."""
    group(*(send_recovery.s(alert_id, member.id) for member in operators())).enqueue()


@job(queue="email", lane="high", retry="notification")
def send_alert(alert_id: UUID, membership_id: UUID) -> None:
    """Tell one member that something is beyond its limit."""
    send_mail(messages.alert_raised(alerts.get(alert_id), to=find_membership(membership_id)))


@job(queue="email", lane="high", retry="notification")
def send_recovery(alert_id: UUID, membership_id: UUID) -> None:
    """Tell one member that it is over."""
    send_mail(messages.alert_recovered(alerts.get(alert_id), to=find_membership(membership_id)))


@job(queue="maintenance", lane="low", retry="never")
def monitor_job_performance() -> dict[str, Any]:
    """Log how each job did in the last hour, return it for the console, and throw away what is too old to be of use."""
    earlier = samples.before(clock.now() - timedelta(hours=1))
    work = samples.work_by_job(earlier, watching.take_sample(redis=jobs_redis()))
    busy = {name: _performance(one) for name, one in work.items() if one.ended}
    for name, figures in busy.items():
        log.info("job performance", of=name, **figures)
    gone = PURGED_AT_ONCE
    while gone == PURGED_AT_ONCE:
        with transaction():
            gone = purge(limit=PURGED_AT_ONCE)
    return {"jobs": busy}


def _performance(work: Work) -> dict[str, Any]:
    return {
        "attempts": work.ended,
        "failed_percent": round(work.failed_share * 100, 1),
        **{
            f"{name}_p{percent}_ms": round((samples.percentile(counts, percent / 100) or 0.0) * 1000)
            for name, counts in (("wait", work.wait), ("run", work.run))
            for percent in (50, 95)
        },
    }


@job(queue="maintenance", lane="low")
def replay_dead_letters(
    name: str = "",
    queue: str = "",
    text: str = "",
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
) -> dict[str, int]:
    """Give every dead letter that fits another chance; returns how many got it.

    What is given narrows it down as in `dead_letters.DeadLetters`. Those that die after this began are left alone, so
    it comes to an end; interrupted and begun again, it goes on with the rest.
    """
    now = clock.now()
    wanted = DeadLetters(name=name, queue=queue, text=text, since=since, until=min(until or now, now))
    with transaction():
        total = dead_letters.count(wanted)
    looked_at = replayed = 0
    before = None
    while True:
        with transaction():
            letters = dead_letters.search(wanted, before=before, limit=REPLAY_BATCH)
            replayed += len(dead_letters.replay_many([letter.id for letter in letters]))
        looked_at += len(letters)
        progress(looked_at, max(looked_at, total))
        if len(letters) < REPLAY_BATCH:
            return {"replayed": replayed}
        before = dead_letters.place_of(letters[-1])
