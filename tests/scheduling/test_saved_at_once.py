"""Two who save the same thing in one instant: the later one's holds, nothing of both is mixed, and no one is lied to."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from tests.factories import member, schedule
from tests.scheduling.helpers import bearer, until_somebody_waits
from webapp.core.db import session, transaction
from webapp.identity.models import Scope
from webapp.scheduling.models import DateOverride, Schedule, WeeklyHours
from webapp.scheduling.service.schedules import save_hours, set_override

DAY = date(2030, 1, 1)


def saved_meanwhile(app: Flask, first: Callable[[], object], method: str, path: str, **sent: Any) -> TestResponse:
    """What a request is answered that comes while `first` is being saved, and has to wait for it."""
    with ThreadPoolExecutor() as pool:
        with transaction():
            first()
            session().flush()
            answer = pool.submit(lambda: app.test_client().open(path, method=method, **sent))
            until_somebody_waits()
        return answer.result(10)


def place() -> tuple[Schedule, dict[str, Any]]:
    host = member()
    return schedule(of=host), {"headers": bearer(host, Scope.AVAILABILITY_WRITE)}


def hours_of(where: Schedule) -> list[tuple[int, int, int]]:
    found = session().scalars(select(WeeklyHours).filter_by(schedule_id=where.id))
    return [(row.weekday, row.start_minute, row.end_minute) for row in found]


def test_of_two_who_save_the_hours_at_once_the_later_is_followed(app: Flask) -> None:
    where, headers = place()
    hours = [{"weekday": 0, "start": "10:00", "end": "13:00"}]
    answer = saved_meanwhile(
        app,
        lambda: save_hours(schedule=where, timezone="Europe/Berlin", hours=[(0, 540, 720)]),
        *("PATCH", f"/api/v1/schedules/{where.id}"),
        json={"hours": hours},
        **headers,
    )
    assert answer.status_code == 200, answer.text
    assert [row["start"] for row in answer.get_json()["hours"]] == ["10:00"]
    assert hours_of(where) == [(0, 600, 780)]


def test_the_same_hours_saved_twice_at_once_are_there_once(app: Flask) -> None:
    where, headers = place()
    answer = saved_meanwhile(
        app,
        lambda: save_hours(schedule=where, timezone="Europe/Berlin", hours=[(1, 540, 720)]),
        *("PATCH", f"/api/v1/schedules/{where.id}"),
        json={"hours": [{"weekday": 1, "start": "09:00", "end": "12:00"}]},
        **headers,
    )
    assert answer.status_code == 200, answer.text
    assert hours_of(where) == [(1, 540, 720)]


def test_another_zone_does_not_bring_back_hours_that_were_replaced_meanwhile(app: Flask) -> None:
    where, headers = place()
    answer = saved_meanwhile(
        app,
        lambda: save_hours(schedule=where, hours=[(0, 540, 720)]),
        *("PATCH", f"/api/v1/schedules/{where.id}"),
        json={"timezone": "Asia/Tokyo"},
        **headers,
    )
    assert answer.get_json()["timezone"] == "Asia/Tokyo"
    assert hours_of(where) == [(0, 540, 720)]


def test_of_two_who_set_the_hours_of_a_day_at_once_the_later_is_followed(app: Flask) -> None:
    where, headers = place()
    for ranges in ([{"start": "10:00", "end": "13:00"}], [{"start": "09:00", "end": "12:00"}], []):
        answer = saved_meanwhile(
            app,
            lambda: set_override(schedule=where, day=DAY, ranges=[(540, 720)]),
            *("PUT", f"/api/v1/schedules/{where.id}/days/{DAY}"),
            json={"ranges": ranges},
            **headers,
        )
        assert answer.status_code == 200, answer.text
        assert answer.get_json()["days"] == [{"day": str(DAY), "ranges": ranges}]


def test_a_day_that_is_set_and_given_back_at_once_is_given_back(app: Flask) -> None:
    where, headers = place()
    answer = saved_meanwhile(
        app,
        lambda: set_override(schedule=where, day=DAY, ranges=[]),
        *("DELETE", f"/api/v1/schedules/{where.id}/days/{DAY}"),
        **headers,
    )
    assert answer.get_json()["days"] == []
    assert session().scalars(select(DateOverride)).all() == []
