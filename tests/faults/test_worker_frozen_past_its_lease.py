from __future__ import annotations

from typing import Any

import pytest

from tests.faults.guests import Visit, assert_each_mail_came_once
from tests.faults.harness import Installation
from tests.faults.mailserver import Step


@pytest.mark.parametrize("hung_up", [False, True], ids=["the mail server waits", "the mail server has hung up"])
def test_a_worker_frozen_in_the_middle_of_a_mail_does_nothing_twice(almanac: Installation, hung_up: bool) -> None:
    with almanac.mail.keeping_waiting(Step.RECIPIENT):
        visit = Visit(almanac, 2).end()
        almanac.mail.wait_for_senders(1)
        almanac.worker.freeze()
        almanac.mail.wave_through()
        with almanac.another("second worker", "jobs.worker"):
            assert_each_mail_came_once(almanac, visit)
        written = what_was_written(almanac)
        if hung_up:
            almanac.mail.hang_up()
    almanac.worker.thaw()
    later = Visit(almanac, 2).end()
    assert_each_mail_came_once(almanac, visit, later)
    assert written.items() <= what_was_written(almanac).items()


def what_was_written(almanac: Installation) -> dict[str, dict[str, Any]]:
    """Every delivery and every run that is done with, by its id."""
    deliveries = almanac.rows("SELECT id::text, status, attempts, answer, sent_at FROM delivery")
    runs = almanac.rows("SELECT id::text, state, attempt, failures, finished_at FROM job_run WHERE finished_at < now()")
    return {row["id"]: row for row in (*deliveries, *runs)}
