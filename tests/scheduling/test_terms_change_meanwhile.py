"""Who waits for a host's turn books on the terms that hold when it comes, not on those from before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from tests.factories import event_type
from tests.scheduling.helpers import address, at, body, booked, counted_queries, in_days, refused, until_somebody_waits
from webapp.core.db import session, transaction
from webapp.scheduling.models import Booking, EventType
from webapp.scheduling.service import meetings
from webapp.scheduling.service.booking import manage_token
from webapp.scheduling.service.event_types import set_active
from webapp.scheduling.service.meetings import hosts_turn
from webapp.scheduling.service.schedules import set_override

Send = Callable[[], TestResponse]


@pytest.fixture
def kind(app: Flask, monkeypatch: pytest.MonkeyPatch) -> EventType:
    monkeypatch.setattr(meetings, "LONG_WAIT", 0.0)
    return event_type(series_most=3)


@contextmanager
def while_it_waits(kind: EventType, send: Send) -> Iterator[Future[TestResponse]]:
    """Let the block change something while the request waits for the host's turn, which it has after that."""
    with ThreadPoolExecutor() as pool, transaction(), hosts_turn([kind.host_id]):
        answer = pool.submit(send)
        until_somebody_waits()
        yield answer


def booking(app: Flask, kind: EventType, **changes: Any) -> Send:
    path, sent = f"{address(kind)}/bookings", body(at(10), **changes)
    return lambda: app.test_client().post(path, json=sent)


@pytest.mark.parametrize("changes", [{}, {"recurrence": {"frequency": "weekly", "count": 3}}])
def test_what_was_switched_off_meanwhile_is_not_booked(app: Flask, kind: EventType, changes: dict[str, Any]) -> None:
    with while_it_waits(kind, booking(app, kind, **changes)) as answer:
        set_active(event_type=kind, active=False)
    refused(answer.result(10), 404, "not_found")
    assert session().scalars(select(Booking)).all() == []


def test_what_needs_approval_by_now_is_a_request(app: Flask, kind: EventType) -> None:
    with while_it_waits(kind, booking(app, kind)) as answer:
        kind.requires_approval = True
    assert answer.result(10).get_json()["status"] == "pending"


def test_a_day_that_was_closed_meanwhile_is_not_booked(app: Flask, kind: EventType) -> None:
    with while_it_waits(kind, booking(app, kind)) as answer:
        set_override(schedule=kind.schedule, day=in_days(2), ranges=[])
    refused(answer.result(10), 422, "outside_availability", "start")


def test_nobody_moves_to_a_day_that_was_closed_meanwhile(app: Flask, kind: EventType) -> None:
    path = f"/api/v1/public/bookings/{manage_token(booked(kind, at(10, days=3)))}/reschedule"
    sent = {"start": at(10).isoformat()}
    with while_it_waits(kind, lambda: app.test_client().post(path, json=sent)) as answer:
        set_override(schedule=kind.schedule, day=in_days(2), ranges=[])
    refused(answer.result(10), 422, "outside_availability", "start")


def test_who_does_not_wait_reads_nothing_twice(client: FlaskClient) -> None:
    path = f"{address(event_type())}/bookings"
    with counted_queries() as statements:
        assert client.post(path, json=body(at(10))).status_code == 201
    assert sum("FROM event_type" in statement for statement in statements) == 1
