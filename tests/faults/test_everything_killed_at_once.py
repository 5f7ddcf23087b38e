from __future__ import annotations

from tests.faults.guests import NO_ANSWER, Visit, assert_each_mail_came_once
from tests.faults.harness import Installation
from tests.faults.mailserver import Step


def test_everything_killed_at_once_costs_no_mail(almanac: Installation) -> None:
    with almanac.mail.keeping_waiting(Step.RECIPIENT):
        visit = Visit(almanac, 10)
        visit.wait_for_bookings(3)
        almanac.mail.wait_for_senders(1)
        almanac.kill_everything()
        almanac.mail.wait_until_left()
    almanac.bring_up()
    visit.end(besides={NO_ANSWER, 503})
    assert_each_mail_came_once(almanac, visit)
