from __future__ import annotations

from tests.faults.guests import Visit, assert_each_mail_came_once
from tests.faults.harness import Installation

PUT_OFF = "SELECT id FROM job_run WHERE state = 'waiting' AND error IS NOT NULL"


def test_mails_wait_for_a_mail_server_that_is_down_for_a_while(almanac: Installation) -> None:
    with almanac.mail.away():
        visit = Visit(almanac, 3).end()
        almanac.wait_until(lambda: len(almanac.rows(PUT_OFF)) == 2 * len(visit.guests))
    almanac.hurry()
    assert_each_mail_came_once(almanac, visit)
