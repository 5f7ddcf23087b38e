from __future__ import annotations

import time

import pytest

from tests.faults.guests import Visit, ask, assert_each_mail_came_once
from tests.faults.harness import LEASE_SECONDS, Installation
from tests.faults.mailserver import Step


@pytest.mark.parametrize("how", ["in order", "by a crash"])
def test_guests_who_book_while_postgres_restarts_get_503_and_then_their_mails(almanac: Installation, how: str) -> None:
    visit = Visit(almanac, 10)
    visit.wait_for_bookings(3)
    almanac.postgres.stop() if how == "in order" else almanac.postgres.kill()
    almanac.wait_until(lambda: 503 in visit.statuses())
    almanac.postgres.start()
    visit.end(besides={503})
    assert_each_mail_came_once(almanac, visit)


def test_a_mail_taken_while_postgres_was_away_for_longer_than_a_lease_is_not_sent_again(almanac: Installation) -> None:
    with almanac.mail.keeping_waiting(Step.ANSWER):
        visit = Visit(almanac, 2).end()
        almanac.mail.wait_for_senders(1)
        almanac.postgres.stop()
    almanac.mail.wait_until_left()
    assert ask(almanac, "GET", "/readyz").status == 503
    back_at = time.monotonic() + 1.5 * LEASE_SECONDS
    almanac.wait_until(lambda: time.monotonic() > back_at)
    almanac.postgres.start()
    assert_each_mail_came_once(almanac, visit)
