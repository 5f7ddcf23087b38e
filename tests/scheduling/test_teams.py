"""Several hosts: one of them in turn, or all of them together."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from tests.factories import booking, event_type, member, organization, schedule
from tests.scheduling.helpers import (
    BERLIN,
    GUEST,
    address,
    at,
    bearer,
    body,
    booked,
    counted_queries,
    in_days,
    refused,
    slots,
)
from webapp.core import clock
from webapp.core.db import db, session, transaction
from webapp.core.errors import NotFound
from webapp.core.validation import InvalidInput
from webapp.identity.models import Membership, Role
from webapp.scheduling import queries
from webapp.scheduling.errors import LimitReached, OutsideAvailability, SlotTaken
from webapp.scheduling.models import Booking, EventHost, EventKind, EventType, HostTime, Meeting, Side, WeeklyHours
from webapp.scheduling.service.booking import book, cancel, reschedule
from webapp.scheduling.service.event_types import EventTypeDetails, create_event_type, update_event_type
from webapp.scheduling.service.offers import offered_slots
from webapp.scheduling.service.teams import TeamMember

DETAILS = EventTypeDetails(
    name="Help", slug="help", duration=30, slot_interval=30, minimum_notice=0, kind=EventKind.ROUND_ROBIN
)


def people(number: int) -> list[Membership]:
    """So many members of one organisation; each is there from nine to five."""
    place = organization()
    found = [member(of=place, name=f"Host {letter}") for letter in "ABCDEFGHIJ"[:number]]
    for each in found:
        schedule(of=each)
    return found


def team(kind: EventKind, hosts: list[Membership], *priorities: int, **changes: object) -> EventType:
    """An event type of these hosts, owned by the first, each with the priority of that place or 1."""
    (hours,) = queries.schedules(organization_id=hosts[0].organization_id, host_id=hosts[0].user_id)
    chosen = [
        TeamMember(host_id=host.user_id, priority=priorities[number] if priorities else 1)
        for number, host in enumerate(hosts)
    ]
    with transaction():
        return create_event_type(
            organization_id=hosts[0].organization_id,
            host_id=hosts[0].user_id,
            schedule=hours,
            details=replace(DETAILS, kind=kind, team=chosen, slug=f"team-{uuid4().hex[:8]}", **changes),  # type: ignore[arg-type]
        )


def in_turn(hosts: list[Membership], *priorities: int, **changes: object) -> EventType:
    return team(EventKind.ROUND_ROBIN, hosts, *priorities, **changes)


def together(hosts: list[Membership], **changes: object) -> EventType:
    return team(EventKind.COLLECTIVE, hosts, **changes)


def alone(host: Membership) -> EventType:
    """An event type that only this host has."""
    (hours,) = queries.schedules(organization_id=host.organization_id, host_id=host.user_id)
    return event_type(of=host, on=hours)


def hours_of(host: Membership, *ranges: tuple[int, int]) -> None:
    with transaction():
        (hours,) = queries.schedules(organization_id=host.organization_id, host_id=host.user_id)
        hours.hours = [
            WeeklyHours(weekday=day, start_minute=start, end_minute=end) for day in range(7) for start, end in ranges
        ]


class TestInTurn:
    def test_a_time_is_sold_once_for_each_free_host(self, client: FlaskClient) -> None:
        hosts = people(3)
        kind = in_turn(hosts)
        query = {"start": in_days(2), "end": in_days(2), "timezone": "Europe/Berlin"}
        for left in (3, 2, 1):
            offer = client.get(f"{address(kind)}/slots", query_string=query).get_json()["slots"][0]
            assert offer == {"start": at(9).isoformat(), "end": at(9, 30).isoformat(), "seats_left": left}
            assert client.post(f"{address(kind)}/bookings", json=body(at(9))).status_code == 201
        assert slots(client, kind, in_days(2))[0] == at(9, 30).isoformat()
        refused(client.post(f"{address(kind)}/bookings", json=body(at(9))), 409, "slot_taken", "start")
        assert {found.host_id for found in session().scalars(select(Booking))} == {host.user_id for host in hosts}

    @pytest.mark.usefixtures("app")
    def test_the_one_with_the_fewest_bookings_comes_next(self) -> None:
        hosts = people(3)
        kind = in_turn(hosts)
        got = Counter(booked(kind, at(9 + number)).host_id for number in range(6))
        assert set(got.values()) == {2}

    @pytest.mark.usefixtures("app")
    def test_a_cancelled_booking_and_an_old_one_do_not_count(self) -> None:
        first, second = people(2)
        kind = in_turn([first, second])
        old = clock.now() - timedelta(days=40)
        booking(of=kind, start=old)  # of the first, who owns it
        gone = booked(kind, at(9))
        with transaction():
            cancel(booking=gone, by=Side.HOST, reason="")
        assert booked(kind, at(9)).host_id == gone.host_id

    @pytest.mark.usefixtures("app")
    def test_among_equals_it_is_who_was_booked_longest_ago(self) -> None:
        hosts = people(3)
        kind = in_turn(hosts)
        order = [booked(kind, at(9 + number)).host_id for number in range(3)]
        assert [booked(kind, at(13 + number)).host_id for number in range(3)] == order

    @pytest.mark.usefixtures("app")
    def test_priority_comes_before_fairness(self) -> None:
        hosts = people(3)
        kind = in_turn(hosts, 2, 1, 2)
        assert {booked(kind, at(9 + number)).host_id for number in range(4)} == {hosts[1].user_id}
        assert booked(kind, at(9)).host_id != hosts[1].user_id

    def test_each_by_hours_and_in_a_zone_of_their_own(self, client: FlaskClient) -> None:
        early, late = people(2)
        kind = in_turn([early, late])
        hours_of(early, (9 * 60, 10 * 60))
        hours_of(late, (9 * 60 + 45, 11 * 60))
        times = ["09:00", "09:30", "09:45", "10:15"]
        assert [start[11:16] for start in slots(client, kind, in_days(2))] == times
        assert booked(kind, at(9, 45)).host_id == late.user_id

    def test_what_keeps_one_busy_leaves_the_others(self, client: FlaskClient) -> None:
        first, second = people(2)
        kind = in_turn([first, second])
        booked(alone(first), at(10))
        assert booked(kind, at(10)).host_id == second.user_id
        refused(client.post(f"{address(kind)}/bookings", json=body(at(10))), 409, "slot_taken", "start")
        assert at(10).isoformat() not in slots(client, alone(second), in_days(2))

    @pytest.mark.usefixtures("app")
    def test_a_limit_is_that_of_each_host(self) -> None:
        kind = in_turn(people(2), limit_per_day=1)
        assert booked(kind, at(9)).host_id != booked(kind, at(12)).host_id
        with pytest.raises(LimitReached), transaction():
            book(event_type=kind, start=at(15), guest=GUEST, answers={})

    @pytest.mark.usefixtures("app")
    def test_who_moves_stays_with_their_host(self) -> None:
        hosts = people(3)
        kind = in_turn(hosts)
        mine = booked(kind, at(9))
        booked(alone(next(host for host in hosts if host.user_id == mine.host_id)), at(14))
        with pytest.raises(SlotTaken), transaction():
            reschedule(booking=mine, start=at(14))
        host_id = mine.host_id
        with transaction():
            reschedule(booking=mine, start=at(15))
        assert (mine.host_id, mine.starts_at) == (host_id, at(15))
        assert {time.host_id for time in session().scalars(select(HostTime).filter_by(meeting_id=mine.meeting_id))} == {
            host_id
        }

    @pytest.mark.usefixtures("app")
    def test_when_their_host_has_left_the_team_another_takes_over(self) -> None:
        first, second = people(2)
        kind = in_turn([first, second], 1, 2)
        mine = booked(kind, at(9))
        assert mine.host_id == first.user_id
        with transaction():
            update_event_type(
                event_type=kind, details=replace(DETAILS, slug=kind.slug, team=[TeamMember(host_id=second.user_id)])
            )
        assert mine.host_id == first.user_id
        with transaction():
            reschedule(booking=mine, start=at(15))
        assert mine.host_id == second.user_id

    @pytest.mark.usefixtures("app")
    def test_who_may_not_sign_in_any_more_is_booked_no_more(self) -> None:
        first, second = people(2)
        kind = in_turn([first, second])
        with transaction():
            first.user.is_active = False
        assert booked(kind, at(9)).host_id == second.user_id
        with transaction():
            second.user.is_active = False
        with pytest.raises(OutsideAvailability), transaction():
            book(event_type=kind, start=at(12), guest=GUEST, answers={})
        day = in_days(2)
        assert offered_slots(event_type=kind, first=day, last=day, zone=BERLIN) == []


class TestTogether:
    def test_all_of_them_have_to_be_free(self, client: FlaskClient) -> None:
        hosts = people(3)
        kind = together(hosts)
        booked(alone(hosts[1]), at(10))
        booked(alone(hosts[2]), at(11))
        starts = slots(client, kind, in_days(2))
        assert not {at(10).isoformat(), at(11).isoformat()} & set(starts)
        assert len(starts) == 14
        refused(client.post(f"{address(kind)}/bookings", json=body(at(11))), 409, "slot_taken", "start")

    def test_all_of_them_are_booked_and_free_again(self, client: FlaskClient) -> None:
        hosts = people(3)
        kind = together(hosts)
        mine = booked(kind, at(10))
        assert [host.name for host in mine.hosts] == ["Host A", "Host B", "Host C"]
        for host in hosts:
            refused(client.post(f"{address(alone(host))}/bookings", json=body(at(10))), 409, "slot_taken", "start")
        with transaction():
            reschedule(booking=mine, start=at(10, 30))
        for host in hosts:
            assert at(10).isoformat() in slots(client, alone(host), in_days(2))
            assert at(10, 30).isoformat() not in slots(client, alone(host), in_days(2))
        with transaction():
            cancel(booking=mine, by=Side.GUEST, reason="")
        assert session().scalar(select(func.count()).select_from(HostTime)) == 0
        assert session().scalar(select(func.count()).select_from(Meeting)) == 0

    def test_the_hours_that_they_share_are_offered(self, client: FlaskClient) -> None:
        early, late = people(2)
        kind = together([early, late])
        hours_of(early, (9 * 60, 11 * 60))
        hours_of(late, (9 * 60 + 15, 12 * 60))
        times = ["09:15", "09:45", "10:15"]
        assert [start[11:16] for start in slots(client, kind, in_days(2))] == times

    def test_each_of_them_sees_the_booking_and_nobody_else(self, client: FlaskClient) -> None:
        place = organization()
        hosts = [member(of=place, role=Role.MEMBER) for _ in range(2)]
        outsider = member(of=place, role=Role.MEMBER)
        for host in hosts:
            schedule(of=host)
        mine = booked(together(hosts), at(10))
        for host in hosts:
            found = client.get("/api/v1/bookings", headers=bearer(host)).get_json()["items"]
            assert [each["id"] for each in found] == [str(mine.id)]
            assert len(found[0]["hosts"]) == 2
            agenda = queries.today_and_next(organization_id=place.id, host_id=host.user_id, zone=BERLIN)
            assert agenda.next_up == [[mine]]
        assert client.get("/api/v1/bookings", headers=bearer(outsider)).get_json()["items"] == []
        with pytest.raises(NotFound):
            queries.get_booking(place.id, mine.id, host_id=outsider.user_id)


def test_ten_hosts_cost_no_more_queries_than_two(client: FlaskClient) -> None:
    for kind in (EventKind.ROUND_ROBIN, EventKind.COLLECTIVE):
        few, many = (_queries_of(client, team(kind, people(number))) for number in (2, 10))
        assert few == many <= 15


def _queries_of(client: FlaskClient, kind: EventType) -> int:
    path = f"{address(kind)}/slots?start={in_days(2)}&end={in_days(33)}&timezone=Europe/Berlin"
    db.session.remove()
    with counted_queries() as statements:
        assert client.get(path).status_code == 200
    return len(statements)


def test_guests_are_told_who_hosts(client: FlaskClient) -> None:
    hosts = people(2)
    in_turn(hosts)
    told = client.get(f"/api/v1/public/{hosts[0].organization.slug}").get_json()["event_types"][0]
    assert told["host"] == {"name": hosts[0].organization.name}
    assert told["hosts"] == [{"name": "Host A"}, {"name": "Host B"}]


def test_a_host_without_hours_gets_office_hours(app: Flask) -> None:
    first = people(1)[0]
    second = member(of=first.organization)
    kind = in_turn([first, second])
    hosts = {host.host_id: host for host in session().scalars(select(EventHost).filter_by(event_type_id=kind.id))}
    assert len(hosts[second.user_id].schedule.hours) == 5


def test_a_team_is_of_members_of_the_organisation_each_once(app: Flask) -> None:
    first, second = people(2)
    stranger = people(1)[0]
    gone = member(of=first.organization, is_active=False)
    kind = in_turn([first, second])
    for wrong in ([], [first, first], [stranger], [gone]):
        chosen = [TeamMember(host_id=each.user_id) for each in wrong]
        with pytest.raises(InvalidInput) as caught, transaction():
            update_event_type(event_type=kind, details=replace(DETAILS, slug=kind.slug, team=chosen))
        assert [fault.field for fault in caught.value.errors] == ["team"]
    for priority in (0, 10):
        chosen = [TeamMember(host_id=first.user_id, priority=priority)]
        with pytest.raises(InvalidInput), transaction():
            update_event_type(event_type=kind, details=replace(DETAILS, slug=kind.slug, team=chosen))
    session().refresh(kind)
    assert len(kind.team) == 2
