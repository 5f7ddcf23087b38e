"""Hours may last past midnight; they belong to the day on whose evening they begin."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import event_type, member, schedule
from tests.scheduling.helpers import at, bearer, in_days, refused, slots
from tests.scheduling.pages import Visitor
from tests.scheduling.slot_oracle import minute, on_the_clock
from webapp.core.db import session, transaction
from webapp.core.validation import InvalidInput
from webapp.identity.models import Scope
from webapp.scheduling.models import EventType, Schedule
from webapp.scheduling.queries import get_schedule
from webapp.scheduling.service.schedules import save_hours, set_override
from webapp.scheduling.slots import Diary, Hours, Override, Rules, offered

PAGE = "/app/availability"
EVENING = (1320, 1560)  # 22:00 to 02:00
FRIDAY, SATURDAY = date(2026, 6, 5), date(2026, 6, 6)


def late(kind: EventType, *, day: int = 2, hours: tuple[int, int] = EVENING) -> EventType:
    """Have an event type offered on one evening only, in so many days."""
    with transaction():
        save_hours(schedule=kind.schedule, timezone="Europe/Berlin", hours=[(in_days(day).weekday(), *hours)])
    return kind


def starts(diary: Diary, day: date, *, interval: int = 60) -> list[str]:
    """The starts of an hour's meeting on a date of the diary's zone, as its clocks show them."""
    rules = Rules(
        duration=interval, interval=interval, buffer_before=0, buffer_after=0, minimum_notice=0, horizon_days=10
    )
    now = minute(day.isoformat()) - 2 * 1440
    found = offered(rules, [diary], now=now, first=day, last=day, zone=diary.zone)
    return [f"{on_the_clock(start, diary.zone):%H:%M}" for start in found]


def test_guests_can_book_on_either_side_of_midnight(client: FlaskClient) -> None:
    kind = late(event_type(duration=60, slot_interval=60))
    assert slots(client, kind, in_days(2)) == [at(22).isoformat(), at(23).isoformat()]
    assert slots(client, kind, in_days(3)) == [at(0, days=3).isoformat(), at(1, days=3).isoformat()]


def test_the_grid_goes_on_across_midnight() -> None:
    diary = Diary(ZoneInfo("Europe/Berlin"), (Hours(4, *EVENING),))
    assert starts(diary, FRIDAY, interval=45) == ["22:00", "22:45", "23:30"]
    assert starts(diary, SATURDAY, interval=45) == ["00:15", "01:00"]


@pytest.mark.parametrize(
    ("next_day", "expected"),
    [
        ((), ["00:00", "01:00"]),  # closed
        (((600, 660),), ["00:00", "01:00", "10:00"]),
        (((30, 150),), ["00:00", "00:30", "01:30"]),  # where its own hours begin, their grid begins
    ],
)
def test_the_next_day_does_not_cut_the_night_short(next_day: tuple[tuple[int, int], ...], expected: list[str]) -> None:
    diary = Diary(ZoneInfo("Europe/Berlin"), (Hours(4, *EVENING),), (Override(SATURDAY, next_day),))
    assert starts(diary, SATURDAY) == expected


def test_a_closed_evening_takes_the_night_after_it_along() -> None:
    diary = Diary(ZoneInfo("Europe/Berlin"), (Hours(4, *EVENING),), (Override(FRIDAY, ()),))
    assert (starts(diary, FRIDAY), starts(diary, SATURDAY)) == ([], [])
    only = Diary(ZoneInfo("Europe/Berlin"), (), (Override(FRIDAY, (EVENING,)),))
    assert starts(only, SATURDAY) == ["00:00", "01:00"]


@pytest.mark.parametrize(
    ("sunday", "expected"),
    [
        (date(2026, 3, 29), ["00:00", "01:00", "03:00"]),  # 02:00 to 03:00 is skipped
        (date(2026, 10, 25), ["00:00", "01:00", "02:00", "02:00", "03:00"]),  # and comes twice
    ],
)
def test_after_midnight_the_clocks_of_that_date_count(sunday: date, expected: list[str]) -> None:
    diary = Diary(ZoneInfo("Europe/Berlin"), (Hours(5, 1320, 1680),))  # Saturday 22:00 to 04:00
    assert starts(diary, sunday) == expected


def test_a_night_shift_is_typed_as_people_say_it(app: Flask) -> None:
    host = member()
    kind = event_type(of=host, on=schedule(of=host, days=range(7)), duration=60, slot_interval=60)
    visitor = Visitor(app).sign_in(host)
    typed = {f"hours-{row}-{side}": text for row in range(7) for side, text in (("start", "22:00"), ("end", "02:00"))}
    page = visitor.follow(visitor.send(visitor.open(PAGE).form("/availability"), typed))
    assert "until 02:00 the next day" in visitor.open(PAGE, headers={"Accept-Language": "en-GB"}).words
    assert dict(page.form("/availability").fields)["hours-0-end"] == "02:00"
    assert [row.end_minute for row in _kept(kind).hours] == [1560] * 7
    day = {"day": in_days(3).isoformat(), "kind": "open", "ranges-0-start": "23:00", "ranges-0-end": "01:00"}
    visitor.send(page.form("/days"), day)
    assert "23:00 until 01:00 the next day" in visitor.open(PAGE, headers={"Accept-Language": "en-GB"}).words
    assert slots(visitor.client, kind, in_days(4))[0] == at(0, days=4).isoformat()
    assert len(slots(visitor.client, kind, in_days(4))) == 3  # one after midnight, two before the next


def _kept(kind: EventType) -> Schedule:
    session().rollback()
    session().expire_all()
    return get_schedule(kind.organization_id, kind.schedule_id)


@pytest.mark.parametrize(
    ("hours", "faults"),
    [
        ([(0, 1320, 1560), (1, 0, 60)], {"hours.1"}),
        ([(0, 1320, 1560), (1, 120, 180)], set()),
        ([(0, 0, 60), (6, 1320, 1560)], {"hours.0"}),  # Sunday night into Monday
        ([(0, 120, 180), (6, 1320, 1560)], set()),
        ([(2, 540, 1980), (3, 480, 600)], {"hours.1"}),
        ([(2, 540, 1981)], {"hours.0"}),  # more than 24 hours
    ],
)
def test_hours_may_not_overlap_around_the_week(app: Flask, hours: list[tuple[int, int, int]], faults: set[str]) -> None:
    found: set[str] = set()
    place = schedule(of=member())
    try:
        with transaction():
            save_hours(schedule=place, timezone="UTC", hours=hours)
    except InvalidInput as invalid:
        found = {fault.field for fault in invalid.errors}
    assert found == faults


def test_programs_say_26_00(client: FlaskClient) -> None:
    host = member()
    headers = bearer(host, Scope.AVAILABILITY_READ, Scope.AVAILABILITY_WRITE)
    night = [{"weekday": 6, "start": "22:00", "end": "26:00"}]
    made = client.post("/api/v1/schedules", json={"name": "Night", "hours": night}, headers=headers).get_json()
    assert made["hours"] == night
    address = f"/api/v1/schedules/{made['id']}/days/{in_days(2)}"
    answer = client.put(address, json={"ranges": [{"start": "24:00", "end": "26:00"}]}, headers=headers)
    refused(answer, 422, "invalid", "ranges.0")
    with transaction():
        set_override(schedule=get_schedule(host.organization_id, made["id"]), day=in_days(2), ranges=[EVENING])
    shown = client.get(f"/api/v1/schedules/{made['id']}", headers=headers).get_json()
    assert shown["days"][0]["ranges"] == [{"start": "22:00", "end": "26:00"}]
