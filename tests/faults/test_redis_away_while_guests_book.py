from __future__ import annotations

from tests.faults.guests import Visit, assert_each_mail_came_once
from tests.faults.harness import Installation, frozen

SOON = 12.0  # on a machine that runs other tests beside this one


def test_redis_gone_while_guests_book_costs_neither_booking_nor_mail(almanac: Installation) -> None:
    almanac.jobs_redis.kill()
    almanac.cache_redis.kill()
    visit = Visit(almanac, 4).end()
    assert visit.slowest() < SOON, visit.answers()
    almanac.bring_up()
    assert_each_mail_came_once(almanac, visit)


def test_redis_frozen_while_guests_book_keeps_nobody_waiting(almanac: Installation) -> None:
    with frozen(almanac.jobs_redis), frozen(almanac.cache_redis):
        visit = Visit(almanac, 3).end()
    assert visit.slowest() < SOON, visit.answers()
    assert_each_mail_came_once(almanac, visit)


def test_redis_killed_under_load_loses_no_mail(almanac: Installation) -> None:
    visit = Visit(almanac, 10)
    visit.wait_for_bookings(3)
    almanac.jobs_redis.kill()
    almanac.jobs_redis.start()
    visit.end()
    assert_each_mail_came_once(almanac, visit)
