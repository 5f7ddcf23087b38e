"""Two who save the same thing in one instant: the later one's holds, nothing is mixed, and no one is lied to."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from typing import Any

from flask import Flask
from sqlalchemy import delete, select
from werkzeug.test import TestResponse

from tests.factories import event_type, member, schedule
from tests.scheduling.helpers import bearer, in_days, refused, until_somebody_waits
from tests.scheduling.pages import Visitor
from tests.scheduling.test_block_time import block_daily
from tests.scheduling.test_teams import in_turn, people
from webapp.core.db import session, transaction
from webapp.identity.models import Scope
from webapp.scheduling import queries
from webapp.scheduling.models import DateOverride, EventHost, EventType, RecurringBlock, Schedule, WeeklyHours
from webapp.scheduling.service.blocks import leave_out
from webapp.scheduling.service.event_types import details_of, update_event_type
from webapp.scheduling.service.schedules import default_schedule, save_hours, set_override
from webapp.scheduling.service.teams import TeamMember

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


def test_two_first_saves_at_once_are_of_one_schedule(app: Flask) -> None:
    host = member()
    whose = {"organization_id": host.organization_id, "host_id": host.user_id}
    visitor = Visitor(app).sign_in(host)
    form = visitor.open("/app/availability").form("/availability")
    sent = dict(form.fields) | {"timezone": "Asia/Tokyo"}
    with ThreadPoolExecutor() as pool:
        with transaction():
            save_hours(schedule=default_schedule(**whose, timezone="Europe/Berlin"), hours=[(0, 540, 720)])
            session().flush()
            answer = pool.submit(lambda: visitor.client.post(form.action, data=sent))
            until_somebody_waits()
        assert answer.result(10).status_code == 303
    session().expire_all()
    (where,) = queries.schedules(**whose)
    assert where.timezone == "Asia/Tokyo"
    assert len(hours_of(where)) == 5


def test_a_first_event_type_goes_by_the_hours_that_are_saved_at_once(app: Flask) -> None:
    host = member()
    whose = {"organization_id": host.organization_id, "host_id": host.user_id}
    answer = saved_meanwhile(
        app,
        lambda: save_hours(schedule=default_schedule(**whose, timezone="Europe/Berlin"), hours=[(0, 540, 720)]),
        *("POST", "/api/v1/event-types"),
        json={"name": "Talk", "duration": 30, "slot_interval": 30},
        headers=bearer(host, Scope.EVENT_TYPES_WRITE),
    )
    assert answer.status_code == 201, answer.text
    session().expire_all()
    (where,) = queries.schedules(**whose)
    assert hours_of(where) == [(0, 540, 720)]


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


def test_hours_of_a_schedule_that_is_deleted_meanwhile_are_not_found(app: Flask) -> None:
    where, headers = place()
    answer = saved_meanwhile(
        app,
        lambda: session().execute(delete(Schedule)),
        *("PUT", f"/api/v1/schedules/{where.id}/days/{DAY}"),
        json={"ranges": []},
        **headers,
    )
    refused(answer, 404, "not_found")


def test_two_days_left_out_at_once_are_both_left_out(app: Flask) -> None:
    host = member()
    schedule(of=host)
    block = block_daily(host, 600, 660)
    visitor = Visitor(app).sign_in(host)
    form = visitor.open("/app/availability/blocks").form(f"{block.id}/days")
    sent = dict(form.fields) | {"day": str(in_days(3)), "left_out": "yes"}
    with ThreadPoolExecutor() as pool:
        with transaction():
            leave_out(block=block, day=in_days(2), left_out=True)
            session().flush()
            answer = pool.submit(lambda: visitor.client.post(form.action, data=sent))
            until_somebody_waits()
        assert answer.result(10).status_code == 303
    assert left_out(block) == [in_days(2), in_days(3)]


def test_another_title_does_not_take_in_a_day_that_was_left_out_meanwhile(app: Flask) -> None:
    host = member()
    schedule(of=host)
    block = block_daily(host, 600, 660)
    visitor = Visitor(app).sign_in(host)
    form = visitor.open(f"/app/availability/blocks/recurring/{block.id}").form(str(block.id))
    sent = dict(form.fields) | {"title": "Lunch"}
    with ThreadPoolExecutor() as pool:
        with transaction():
            leave_out(block=block, day=in_days(2), left_out=True)
            session().flush()
            answer = pool.submit(lambda: visitor.client.post(form.action, data=sent))
            until_somebody_waits()
        assert answer.result(10).status_code == 303
    assert left_out(block) == [in_days(2)]
    assert block.title == "Lunch"


def left_out(block: RecurringBlock) -> list[date]:
    session().rollback()
    session().refresh(block)
    return block.except_days


def test_of_two_who_choose_one_team_at_once_nobody_hears_of_an_address(app: Flask) -> None:
    hosts = people(3)
    kind = in_turn(hosts[:2])
    chosen = [TeamMember(host_id=host.user_id) for host in (hosts[0], hosts[2])]
    answer = saved_meanwhile(
        app,
        lambda: update_event_type(event_type=kind, details=replace(details_of(kind), team=chosen)),
        *("PATCH", f"/api/v1/event-types/{kind.id}"),
        json={"team": [{"host_id": str(member.host_id)} for member in chosen]},
        headers=bearer(hosts[0], Scope.EVENT_TYPES_WRITE),
    )
    assert answer.status_code == 200, answer.text
    assert team_of(kind) == {hosts[0].user_id, hosts[2].user_id}


def test_another_name_does_not_bring_back_a_team_that_was_replaced_meanwhile(app: Flask) -> None:
    hosts = people(3)
    kind = in_turn(hosts[:2])
    chosen = [TeamMember(host_id=hosts[2].user_id)]
    answer = saved_meanwhile(
        app,
        lambda: update_event_type(event_type=kind, details=replace(details_of(kind), team=chosen)),
        *("PATCH", f"/api/v1/event-types/{kind.id}"),
        json={"name": "Advice"},
        headers=bearer(hosts[0], Scope.EVENT_TYPES_WRITE),
    )
    assert answer.get_json()["name"] == "Advice"
    assert team_of(kind) == {hosts[2].user_id}


def test_the_later_priority_holds_also_where_it_is_the_one_from_before(app: Flask) -> None:
    hosts = people(2)
    kind = in_turn(hosts)
    first, *_ = chosen = [TeamMember(host_id=host.user_id) for host in hosts]
    raised = [replace(first, priority=2), *chosen[1:]]
    answer = saved_meanwhile(
        app,
        lambda: update_event_type(event_type=kind, details=replace(details_of(kind), team=raised)),
        *("PATCH", f"/api/v1/event-types/{kind.id}"),
        json={"team": [{"host_id": str(member.host_id), "priority": 1} for member in chosen]},
        headers=bearer(hosts[0], Scope.EVENT_TYPES_WRITE),
    )
    assert answer.status_code == 200, answer.text
    assert set(session().scalars(select(EventHost.priority).filter_by(event_type_id=kind.id))) == {1}


def team_of(kind: EventType) -> set[object]:
    return set(session().scalars(select(EventHost.host_id).filter_by(event_type_id=kind.id)))


def test_an_address_that_is_taken_meanwhile_is_said_to_be_taken(app: Flask) -> None:
    host = member()
    one, other = event_type(of=host), event_type(of=host)
    answer = saved_meanwhile(
        app,
        lambda: update_event_type(event_type=one, details=replace(details_of(one), slug="talk")),
        *("PATCH", f"/api/v1/event-types/{other.id}"),
        json={"slug": "talk"},
        headers=bearer(host, Scope.EVENT_TYPES_WRITE),
    )
    refused(answer, 409, "slug_taken", "slug")
