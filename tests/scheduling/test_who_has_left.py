"""Whoever has left hosts nothing any more, and what they were part of can still be changed."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import event_type, schedule
from tests.scheduling.helpers import address, at, bearer, body, booked, in_days, refused, slots
from tests.scheduling.pages import Visitor
from tests.scheduling.test_teams import alone, in_turn, people
from webapp.core.db import session, transaction
from webapp.identity.models import Membership, Scope
from webapp.scheduling.models import EventKind, EventType
from webapp.scheduling.service.copies import copy_event_type
from webapp.scheduling.service.named_schedules import choose_schedule

WRITE = Scope.EVENT_TYPES_WRITE


def leave(member: Membership, *, back: bool = False) -> None:
    with transaction():
        member.user.is_active = back


@pytest.mark.parametrize("kind", [EventKind.ONE_TO_ONE, EventKind.GROUP])
def test_what_they_host_alone_is_offered_no_more_at_once_and_again_when_they_are_back(
    client: FlaskClient, kind: EventKind
) -> None:
    (host,) = people(1)
    made = event_type(of=host, on=schedule(of=host), kind=kind, seats=3 if kind is EventKind.GROUP else 1)
    before = booked(made, at(9))
    assert slots(client, made, in_days(2))
    leave(host)
    assert slots(client, made, in_days(2)) == []
    refused(client.post(f"{address(made)}/bookings", json=body(at(10))), 422, "outside_availability", "start")
    refused(
        client.post(f"{address(made)}/holds", json={"start": at(10).isoformat()}), 422, "outside_availability", "start"
    )
    assert before.is_confirmed
    leave(host, back=True)
    assert slots(client, made, in_days(2))
    assert client.post(f"{address(made)}/bookings", json=body(at(10))).status_code == 201


def test_a_team_that_somebody_has_left_can_be_changed_and_copied(client: FlaskClient) -> None:
    here, gone = people(2)
    kind = in_turn([here, gone])
    leave(gone)
    path, headers = f"/api/v1/event-types/{kind.id}", bearer(here, WRITE)
    assert client.patch(path, json={"description": "Hello"}, headers=headers).status_code == 200
    copied = client.post(f"{path}/copy", json={}, headers=headers)
    assert copied.status_code == 201
    assert [member["host_id"] for member in copied.get_json()["team"]] == [str(here.user_id)]
    leave(gone, back=True)
    assert {booked(kind, at(9)).host_id for _ in range(2)} == {here.user_id, gone.user_id}, "both are in it still"


def test_who_has_left_joins_no_team(client: FlaskClient) -> None:
    here, gone = people(2)
    kind = in_turn([here])
    leave(gone)
    team = [{"host_id": str(each.user_id)} for each in (here, gone)]
    answer = client.patch(f"/api/v1/event-types/{kind.id}", json={"team": team}, headers=bearer(here, WRITE))
    refused(answer, 422, "invalid", "team")


def test_the_form_names_who_has_left_and_can_be_saved(app: Flask) -> None:
    here, gone = people(2)
    kind = in_turn([here, gone])
    leave(gone)
    visitor = Visitor(app).sign_in(here)
    page = visitor.open(f"/app/event-types/{kind.id}")
    assert f"{gone.user.name} (has left)" in page.words
    assert "Saved" in visitor.follow(visitor.send(page.form(f"/app/event-types/{kind.id}"))).words


def test_a_copy_keeps_the_schedule_of_each_host(app: Flask) -> None:
    first, second = people(2)
    kind = in_turn([first, second])
    special = schedule(of=second, zone="Asia/Tokyo")
    with transaction():
        choose_schedule(event_type=kind, schedule=special)
    with transaction():
        copied = copy_event_type(event_type=kind, name="Twin").id
    session().expire_all()
    chosen = {host.host_id: host.schedule_id for host in session().get_one(EventType, copied).team}
    assert chosen == {host.host_id: host.schedule_id for host in kind.team}
    assert chosen[second.user_id] == special.id


def test_alone_is_copied_without_anybody_else(app: Flask) -> None:
    (host,) = people(1)
    kind = alone(host)
    with transaction():
        assert copy_event_type(event_type=kind, name="Twin").team == []
