from __future__ import annotations

import time

from redis import Redis

from tests.faults.guests import Visit, assert_each_mail_came_once
from tests.faults.harness import SCHEDULED, Installation

LEADER = "almanac:scheduler:leader"
REMINDERS = """
UPDATE job_run SET run_at = now() WHERE name = 'notifications.send_booking_reminder' AND state = 'waiting'
AND arguments ->> 'booking_id' = %(booking)s RETURNING id::text
"""


def test_when_the_leading_scheduler_is_killed_another_takes_over_and_no_reminder_is_lost(almanac: Installation) -> None:
    visit = Visit(almanac, 1).end()
    assert_each_mail_came_once(almanac, visit)
    (guest,) = visit.guests
    assert guest.booking
    leader = the_one_that_leads(almanac)
    with almanac.another("second scheduler", "jobs.scheduler"), Redis.from_url(almanac.jobs_redis.url) as redis:
        killed_at = time.monotonic()
        almanac.scheduler.kill()
        (reminder,) = almanac.rows(REMINDERS, booking=guest.booking["id"])
        redis.zadd(SCHEDULED, {reminder["id"]: 0})
        almanac.mail.wait_for(3)
        assert redis.get(LEADER) not in {None, leader}
        assert time.monotonic() - killed_at < 25, "ten on a quiet machine"
    almanac.wait_until_at_rest()
    assert len(almanac.mail.to(guest.email)) == 2, "the confirmation and one reminder"


def test_guests_who_book_while_no_scheduler_runs_get_their_mails(almanac: Installation) -> None:
    almanac.scheduler.kill()
    visit = Visit(almanac, 3).end()
    assert_each_mail_came_once(almanac, visit)


def the_one_that_leads(almanac: Installation) -> object:
    """Return the name of the only scheduler there is, once it leads."""
    with Redis.from_url(almanac.jobs_redis.url) as redis:
        redis.delete(LEADER)  # which one that was killed may have left behind
        almanac.wait_until(lambda: redis.get(LEADER))
        return redis.get(LEADER)
