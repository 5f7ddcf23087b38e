"""Who waits for days two years apart does not have everybody else wait for what lies between them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.scheduling.helpers import at, booked, counted_queries, in_days
from tests.scheduling.waiting import bookable, cancelled, joined, live_offers, statuses
from webapp.core.db import session
from webapp.scheduling.service.awards import stretches

pytestmark = pytest.mark.usefixtures("app")

NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)


def day(number: int, length: int = 1) -> tuple[datetime, datetime]:
    return NOON + timedelta(days=number), NOON + timedelta(days=number + length)


def test_days_near_each_other_are_one_stretch_and_others_are_not() -> None:
    assert stretches([]) == []
    assert stretches([day(700), day(0)]) == [day(0), day(700)]
    assert stretches([day(0), day(7), day(3, length=2), day(20), day(36)]) == [day(0, length=21), day(36)]
    assert stretches([day(0, length=30), day(1), day(40)]) == [day(0, length=41)]


def test_of_days_far_apart_each_that_is_free_is_offered_in_turn() -> None:
    kind = bookable(horizon_days=730, limit_per_day=1)
    near, far = booked(kind, at(10)), booked(kind, at(10, days=700))
    line = [joined(kind, "Bea", at(10)), joined(kind, "Cy", day=in_days(700)), joined(kind, "Di", at(10, days=700))]
    cancelled(far)
    assert statuses(*line) == ["waiting", "offered", "waiting"]
    cancelled(near)
    assert statuses(*line) == ["offered", "offered", "waiting"]
    assert len(live_offers()) == 2


def test_a_line_of_many_days_is_worked_out_with_few_queries() -> None:
    kind = bookable(horizon_days=730)
    freed = booked(kind, at(9))
    for number in range(12):
        booked(kind, at(10, days=2 + number))
        joined(kind, f"Guest{number}", at(10, days=2 + number))
    session().rollback()
    with counted_queries() as many:
        cancelled(freed)
    one = bookable(horizon_days=730)
    freed = booked(one, at(9))
    booked(one), joined(one, "Alone")
    session().rollback()
    with counted_queries() as few:
        cancelled(freed)
    assert len(many) <= len(few)
