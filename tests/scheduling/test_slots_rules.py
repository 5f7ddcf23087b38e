"""Rules that make no sense are refused where they are made, by the name of the field."""

from __future__ import annotations

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from webapp.scheduling.slots import Diary, Hours, Limits, Override, Rules

MONDAY = date(2026, 6, 1)
NINE, FIVE = 540, 1020

SENSIBLE: dict[str, Any] = {
    "duration": 30,
    "interval": 15,
    "buffer_before": 0,
    "buffer_after": 0,
    "minimum_notice": 0,
    "horizon_days": 1,
}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("duration", 0),
        ("duration", 1441),
        ("interval", 0),
        ("interval", -15),
        ("buffer_before", -1),
        ("buffer_after", -1),
        ("minimum_notice", -1),
        ("horizon_days", 0),
        ("horizon_days", 1_000_000),
        ("offset", -1),
        ("offset", 1440),
    ],
)
def test_a_field_out_of_bounds_is_named(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"^{field} "):
        Rules(**SENSIBLE | {field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [("duration", 1440), ("interval", 1440), ("offset", 1439), ("horizon_days", 3660)],
)
def test_the_bounds_themselves_are_allowed(field: str, value: object) -> None:
    assert getattr(Rules(**SENSIBLE | {field: value}), field) == value


@pytest.mark.parametrize(("start", "end"), [(NINE, NINE), (FIVE, NINE), (-1, NINE), (NINE, 2881), (1440, 1500)])
def test_a_range_begins_on_its_day_and_ends_after_it_starts(start: int, end: int) -> None:
    with pytest.raises(ValueError, match=r"^start and end are "):
        Hours(0, start, end)
    with pytest.raises(ValueError, match=r"^ranges are "):
        Override(MONDAY, ((start, end),))


@pytest.mark.parametrize("weekday", [-1, 7])
def test_a_week_has_seven_days(weekday: int) -> None:
    with pytest.raises(ValueError, match=r"^weekday "):
        Hours(weekday, NINE, FIVE)


def test_a_date_is_replaced_once() -> None:
    twice = (Override(MONDAY, ()), Override(MONDAY, ((NINE, FIVE),)))
    with pytest.raises(ValueError, match=r"^overrides "):
        Diary(ZoneInfo("UTC"), (), twice)


@pytest.mark.parametrize("field", ["per_day", "per_week", "per_month"])
@pytest.mark.parametrize("most", [0, -1])
def test_a_limit_lets_something_through(field: str, most: int) -> None:
    with pytest.raises(ValueError, match=f"^{field} "):
        Limits(**{field: most})


def test_a_limit_reaches_as_far_as_its_longest_period() -> None:
    limits = [Limits(), Limits(per_day=1), Limits(per_day=1, per_week=1), Limits(per_day=1, per_month=1)]
    assert [limit.reach for limit in limits] == [0, 1, 7, 31]
