from __future__ import annotations

import pytest

from tests.faults.guests import Visit, assert_each_mail_came_once
from tests.faults.harness import Installation
from tests.faults.mailserver import Step


@pytest.mark.parametrize("step", [Step.RECIPIENT, Step.CONTENT])
def test_a_worker_killed_in_the_middle_of_a_mail_costs_no_mail(almanac: Installation, step: Step) -> None:
    with almanac.mail.keeping_waiting(step):
        visit = Visit(almanac, 3).end()
        almanac.mail.wait_for_senders(1)
        almanac.worker.kill()
        almanac.mail.wait_until_left()
    almanac.worker.start()
    assert_each_mail_came_once(almanac, visit)


def test_a_process_killed_in_the_middle_of_a_mail_costs_no_mail(almanac: Installation) -> None:
    with almanac.mail.keeping_waiting(Step.RECIPIENT):
        visit = Visit(almanac, 3).end()
        almanac.mail.wait_for_senders(1)
        almanac.worker.kill_children()
    assert_each_mail_came_once(almanac, visit)
    assert almanac.worker.is_running
