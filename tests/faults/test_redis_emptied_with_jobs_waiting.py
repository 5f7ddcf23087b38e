from __future__ import annotations

from redis import Redis

from tests.faults.guests import Visit, assert_each_mail_came_once
from tests.faults.harness import SCHEDULED, Installation
from tests.faults.mailserver import Step

LATER = "SELECT id::text, name FROM job_run WHERE state = 'waiting' AND run_at > now()"
REMINDER = "notifications.send_booking_reminder"


def test_redis_emptied_with_jobs_waiting_costs_no_mail_and_no_reminder(almanac: Installation) -> None:
    with almanac.mail.keeping_waiting(Step.RECIPIENT), Redis.from_url(almanac.jobs_redis.url) as redis:
        visit = Visit(almanac, 6).end()
        almanac.mail.wait_for_senders(1)  # the worker is in the middle of a mail, the rest waits
        redis.flushall()
    assert_each_mail_came_once(almanac, visit)
    assert [row["name"] for row in almanac.rows(LATER)].count(REMINDER) >= len(visit.guests)
    with Redis.from_url(almanac.jobs_redis.url) as redis:
        almanac.wait_until(
            lambda: {row["id"].encode() for row in almanac.rows(LATER)} == set(redis.zrange(SCHEDULED, 0, -1))
        )
    almanac.wait_until(almanac.is_ready)


def test_redis_emptied_while_no_worker_runs_costs_no_mail(almanac: Installation) -> None:
    almanac.worker.kill()
    visit = Visit(almanac, 3).end()
    with Redis.from_url(almanac.jobs_redis.url) as redis:
        redis.flushall()
    almanac.worker.start()
    assert_each_mail_came_once(almanac, visit)
