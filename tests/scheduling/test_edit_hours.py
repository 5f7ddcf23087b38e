from __future__ import annotations

from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import event_type, member, schedule
from tests.scheduling.helpers import at, in_days, slots
from webapp.core.db import session, transaction
from webapp.core.validation import InvalidInput
from webapp.scheduling.models import Schedule
from webapp.scheduling.queries import schedules
from webapp.scheduling.service.schedules import (
    WeeklyRange,
    clear_override,
    create_schedule,
    save_hours,
    set_override,
)

EVERY_DAY = range(7)


def _reread(place: Schedule) -> Schedule:
    session().expire_all()
    (found,) = schedules(organization_id=place.organization_id, host_id=place.host_id)
    return found


def _hours(place: Schedule) -> list[WeeklyRange]:
    return [(row.weekday, row.start_minute, row.end_minute) for row in place.hours]


def _overrides(place: Schedule) -> list[tuple[date, int, int]]:
    return [(row.day, row.start_minute, row.end_minute) for row in place.overrides]


def _faults(error: InvalidInput) -> set[str]:
    assert all(fault.message.endswith(".") for fault in error.errors)
    return {fault.field for fault in error.errors}


def test_a_new_host_works_from_monday_to_friday(app: Flask) -> None:
    host = member()
    with transaction():
        place = create_schedule(organization_id=host.organization_id, host_id=host.user_id, timezone="Asia/Kathmandu")
    place = _reread(place)
    assert place.timezone == "Asia/Kathmandu"
    assert _hours(place) == [(weekday, 540, 1020) for weekday in range(5)]


def test_saved_hours_are_what_guests_are_offered(client: FlaskClient) -> None:
    kind = event_type()
    with transaction():
        hours = [(weekday, start, start + 60) for weekday in EVERY_DAY for start in (14 * 60, 8 * 60)]
        save_hours(schedule=kind.schedule, timezone="Europe/Berlin", hours=hours)
    expected = [at(8), at(8, 30), at(14), at(14, 30)]
    assert slots(client, kind, in_days(2)) == [start.isoformat() for start in expected]


def test_the_zone_moves_the_hours(client: FlaskClient) -> None:
    kind = event_type()
    with transaction():
        save_hours(schedule=kind.schedule, timezone="UTC", hours=[(day, 540, 570) for day in EVERY_DAY])
    assert slots(client, kind, in_days(2), zone="UTC") == [f"{in_days(2)}T09:00:00+00:00"]


def test_hours_that_end_at_midnight_or_touch_are_fine_and_none_at_all_too(app: Flask) -> None:
    place = schedule(of=member())
    with transaction():
        save_hours(schedule=place, timezone="UTC", hours=[(6, 720, 1440), (6, 0, 720)])
    assert _hours(_reread(place)) == [(6, 0, 720), (6, 720, 1440)]
    with transaction():
        save_hours(schedule=place, timezone="UTC", hours=[])
    assert _hours(_reread(place)) == []


def test_each_range_that_makes_no_sense_is_named_by_its_row_and_nothing_is_saved(app: Flask) -> None:
    place = schedule(of=member())
    before = _hours(place)
    hours = [
        (0, 540, 1020),
        (0, 600, 660),
        (1, 600, 600),
        (2, 660, 600),
        (3, -5, 60),
        (4, 0, 1441),
        (7, 0, 60),
        (0, 1020, 1080),
    ]
    with pytest.raises(InvalidInput) as caught, transaction():
        save_hours(schedule=place, timezone="Mars/Olympus", hours=hours)
    assert _faults(caught.value) == {"timezone", *(f"hours.{row}" for row in range(1, 7))}
    assert _hours(_reread(place)) == before


def test_a_range_inside_an_earlier_long_one_overlaps_it_too(app: Flask) -> None:
    place = schedule(of=member())
    with pytest.raises(InvalidInput) as caught, transaction():
        save_hours(schedule=place, timezone="UTC", hours=[(0, 0, 1440), (0, 60, 120), (0, 600, 660)])
    assert _faults(caught.value) == {"hours.1", "hours.2"}


def test_a_date_is_closed_opened_otherwise_and_left_to_the_week_again(app: Flask) -> None:
    place, day = schedule(of=member()), date(2026, 12, 24)
    with transaction():
        set_override(schedule=place, day=day, ranges=[])
        set_override(schedule=place, day=date(2026, 12, 31), ranges=[(600, 660)])
    assert _overrides(_reread(place)) == [(day, 0, 0), (date(2026, 12, 31), 600, 660)]
    with transaction():
        set_override(schedule=place, day=day, ranges=[(780, 840), (0, 60)])
    with transaction():  # the same again, rows of the same date and minute
        set_override(schedule=place, day=day, ranges=[(0, 60), (780, 840)])
    assert _overrides(_reread(place))[:2] == [(day, 0, 60), (day, 780, 840)]
    with transaction():
        clear_override(schedule=place, day=day)
        clear_override(schedule=place, day=date(2027, 1, 1))
    assert _overrides(_reread(place)) == [(date(2026, 12, 31), 600, 660)]


@pytest.mark.parametrize(
    ("ranges", "faults"),
    [([(60, 60)], {"ranges.0"}), ([(0, 60), (30, 90)], {"ranges.1"}), ([(0, 60), (0, 1500)], {"ranges.1"})],
)
def test_hours_of_a_date_have_to_make_sense(app: Flask, ranges: list[tuple[int, int]], faults: set[str]) -> None:
    place = schedule(of=member())
    with pytest.raises(InvalidInput) as caught, transaction():
        set_override(schedule=place, day=date(2026, 12, 24), ranges=ranges)
    assert _faults(caught.value) == faults
    assert _overrides(_reread(place)) == []


def test_schedules_are_found_by_their_organisation_and_host_alone(app: Flask) -> None:
    host, outsider = member(), member()
    schedule(of=host)
    assert schedules(organization_id=outsider.organization_id, host_id=host.user_id) == []
    assert schedules(organization_id=host.organization_id, host_id=outsider.user_id) == []
