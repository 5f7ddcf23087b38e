"""A host is away for whole days; who stands in hosts their one-to-one event types meanwhile."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import IntegrityError

from tests.factories import event_type, member, schedule
from tests.scheduling.conftest import Travel
from tests.scheduling.helpers import GUEST, address, at, bearer, body, booked, counted_queries, in_days, refused, slots
from tests.scheduling.pages import Visitor
from webapp.core import clock
from webapp.core.db import session, transaction
from webapp.identity.models import Membership, Role, Scope
from webapp.scheduling.errors import StartRefused
from webapp.scheduling.models import EventHost, EventKind, EventType, OutOfOffice, Side, WeeklyHours
from webapp.scheduling.queries import get_booking, schedules
from webapp.scheduling.service.blocks import BlockDetails, block_time
from webapp.scheduling.service.booking import book, reschedule
from webapp.scheduling.service.out_of_office import AwayDetails, be_away

PAGE = "/app/availability/days-off"
API = "/api/v1/out-of-office"
READ, WRITE = Scope.AVAILABILITY_READ, Scope.AVAILABILITY_WRITE


def away(
    host: Membership, first: int, last: int | None = None, *, stand_in: Membership | None = None, **changes: Any
) -> OutOfOffice:
    """Be away from one day to another, counted from today."""
    values: dict[str, Any] = {
        "timezone": "Europe/Berlin",
        "first_day": in_days(first),
        "last_day": in_days(first if last is None else last),
        "stand_in_id": stand_in.user_id if stand_in else None,
    } | changes
    with transaction():
        return be_away(organization_id=host.organization_id, host_id=host.user_id, details=AwayDetails(**values))


def colleague(of: Membership, **changes: Any) -> Membership:
    return member(of=of.organization, role=Role.MEMBER, **changes)


def bookable(host: Membership, **changes: Any) -> EventType:
    return event_type(of=host, on=schedule(of=host), duration=60, slot_interval=60, **changes)


def hosted_by_team(owner: Membership, kind: EventKind, *hosts: Membership) -> EventType:
    made = bookable(owner, kind=kind)
    with transaction():
        for host in hosts:
            whose = {"organization_id": made.organization_id, "event_type_id": made.id, "host_id": host.user_id}
            session().add(EventHost(**whose, schedule_id=_hours(host)))
    session().expire_all()
    return made


def _hours(host: Membership) -> UUID:
    (place,) = schedules(organization_id=host.organization_id, host_id=host.user_id)
    return place.id


def host_of(kind: EventType, day: int, hour: int = 10) -> str | None:
    """The name of who hosts what is booked then; None when nobody does."""
    try:
        with transaction():
            return book(event_type=kind, start=at(hour, days=day), guest=GUEST, answers={}).host.name
    except StartRefused:
        return None


def test_who_is_away_is_offered_to_nobody_and_bookings_made_stay(client: FlaskClient) -> None:
    host = member()
    kind = bookable(host)
    before = booked(kind, at(10, days=3))
    away(host, 2, 3)
    assert [len(slots(client, kind, in_days(day))) for day in (1, 2, 3, 4)] == [8, 0, 0, 8]
    refused(client.post(f"{address(kind)}/bookings", json=body(at(9))), 409, "slot_taken", "start")
    assert get_booking(host.organization_id, before.id).is_confirmed


def test_days_away_are_those_of_the_hosts_zone(client: FlaskClient) -> None:
    host = member()
    kind = bookable(host)
    away(host, 2, timezone="Pacific/Auckland")  # ends at noon or one o'clock in Berlin
    offered = slots(client, kind, in_days(2))
    assert at(9).isoformat() not in offered
    assert at(14).isoformat() in offered


def test_who_stands_in_hosts_by_their_own_hours_and_diary_on_those_days_alone(client: FlaskClient) -> None:
    host = member(name="Ada")
    deputy = colleague(host, name="Bo")
    kind = bookable(host)
    place = schedule(of=deputy)
    with transaction():
        place.hours = [WeeklyHours(weekday=day, start_minute=11 * 60, end_minute=14 * 60) for day in range(7)]
        times = BlockDetails(timezone="UTC", starts_at=at(12), ends_at=at(13))
        block_time(organization_id=host.organization_id, host_id=deputy.user_id, details=times)
    away(host, 2, 3, stand_in=deputy)
    assert slots(client, kind, in_days(2)) == [at(11).isoformat(), at(13).isoformat()]
    assert len(slots(client, kind, in_days(4))) == 8
    assert [host_of(kind, 2, 13), host_of(kind, 2, 12), host_of(kind, 4)] == ["Bo", None, "Ada"]
    assert slots(client, kind, in_days(2)) == [at(11).isoformat()]
    assert at(13).isoformat() not in slots(client, bookable(deputy), in_days(2))  # the deputy's own time is gone


def test_where_days_off_in_two_zones_overlap_there_is_one_who_stands_in(client: FlaskClient) -> None:
    host = member(name="Ada")
    bo, cy = colleague(host, name="Bo"), colleague(host, name="Cy")
    kind = bookable(host)
    schedule(of=bo), schedule(of=cy)
    away(host, 2, 3, stand_in=bo, timezone="America/Los_Angeles")  # until nine on day 4 in Berlin
    away(host, 4, 5, stand_in=cy, timezone="Asia/Tokyo")  # from five in the afternoon of day 3 on
    listed = client.get(
        f"{address(kind)}/slots", query_string={"start": in_days(2), "end": in_days(5), "timezone": "Europe/Berlin"}
    )
    assert {slot["seats_left"] for slot in listed.get_json()["slots"]} == {1}
    assert [host_of(kind, day, 16) for day in (3, 4)] == ["Bo", "Cy"]
    assert [host_of(kind, day, 16) for day in (3, 4)] == [None, None]


def test_the_same_person_may_stand_in_twice_in_a_row(client: FlaskClient) -> None:
    host = member(name="Ada")
    deputy = colleague(host, name="Bo")
    kind = bookable(host)
    schedule(of=deputy, zone="America/New_York")
    away(host, 2, 3, stand_in=deputy, timezone="America/Los_Angeles")
    away(host, 4, 5, stand_in=deputy, timezone="Asia/Tokyo")
    offered = [slot for day in range(2, 6) for slot in slots(client, kind, in_days(day))]
    assert len(offered) == len(set(offered)) > 20
    taken = [client.post(f"{address(kind)}/bookings", json=body(datetime.fromisoformat(start))) for start in offered]
    assert {answer.status_code for answer in taken} == {201}


def test_what_is_held_with_who_stands_in_is_free_when_the_hold_runs_out(client: FlaskClient, travel: Travel) -> None:
    host = member()
    deputy = colleague(host)
    kind = bookable(host)
    away(host, 2, stand_in=deputy)
    held = client.post(f"{address(bookable(deputy))}/holds", json={"start": at(10).isoformat()})
    assert at(10).isoformat() not in slots(client, kind, in_days(2))
    travel(datetime.fromisoformat(held.get_json()["expires_at"]) - clock.now())
    assert at(10).isoformat() in slots(client, kind, in_days(2))


def test_who_stands_in_and_is_away_as_well_hosts_nothing(client: FlaskClient) -> None:
    host = member()
    deputy = colleague(host)
    kind = bookable(host)
    away(host, 2, 3, stand_in=deputy)
    away(deputy, 3)
    assert [len(slots(client, kind, in_days(day))) > 0 for day in (2, 3)] == [in_days(2).weekday() < 5, False]


def test_who_stood_in_and_left_stands_in_no_more(client: FlaskClient) -> None:
    host = member()
    deputy = colleague(host)
    schedule(of=deputy)
    kind = bookable(host)
    away(host, 2, stand_in=deputy)
    assert len(slots(client, kind, in_days(2))) == 8
    with transaction():
        deputy.user.is_active = False
    assert slots(client, kind, in_days(2)) == []


def test_a_group_has_no_stand_in(client: FlaskClient) -> None:
    host = member()
    deputy = colleague(host)
    schedule(of=deputy)
    kind = bookable(host, kind=EventKind.GROUP, seats=3)
    away(host, 2, stand_in=deputy)
    assert slots(client, kind, in_days(2)) == []


@pytest.mark.parametrize(("kind", "slots_left"), [(EventKind.ROUND_ROBIN, 8), (EventKind.COLLECTIVE, 0)])
def test_of_a_team_who_takes_turns_the_others_are_left_and_all_together_nothing(
    client: FlaskClient, kind: EventKind, slots_left: int
) -> None:
    owner = member()
    one, other = colleague(owner), colleague(owner)
    schedule(of=one), schedule(of=other)
    made = hosted_by_team(owner, kind, one, other)
    away(one, 2, stand_in=owner)
    assert len(slots(client, made, in_days(2))) == slots_left
    assert len(slots(client, made, in_days(3))) == 8


def test_what_a_stand_in_hosts_moves_back_to_the_host_after_those_days(app: Flask) -> None:
    host = member(name="Ada")
    deputy = colleague(host, name="Bo")
    schedule(of=deputy)
    kind = bookable(host)
    away(host, 2, stand_in=deputy)
    booking = booked(kind, at(10))
    assert booking.host.name == "Bo"
    with transaction():
        reschedule(booking=booking, start=at(11))
    assert booking.host.name == "Bo"
    with transaction():
        reschedule(booking=booking, start=at(11, days=3))
    assert booking.host.name == "Ada"


def test_days_away_do_not_overlap_and_the_database_says_so(app: Flask) -> None:
    host = member()
    away(host, 2, 4)
    with pytest.raises(IntegrityError, match="ex_out_of_office_overlap"), transaction():
        session().add(
            OutOfOffice(
                organization_id=host.organization_id,
                host_id=host.user_id,
                timezone="UTC",
                first_day=in_days(4),
                last_day=in_days(9),
            )
        )


def test_a_stand_in_costs_two_queries_and_many_days_away_cost_no_more(client: FlaskClient) -> None:
    host = member()
    deputy = colleague(host)
    schedule(of=deputy)
    kind = bookable(host)
    path = f"{address(kind)}/slots?start={in_days(1)}&end={in_days(60)}&timezone=UTC"
    away(host, 2, stand_in=deputy)
    with counted_queries() as with_one:
        client.get(path)
    for day in range(4, 40, 2):
        away(host, day, stand_in=deputy)
    with counted_queries() as with_many:
        client.get(path)
    assert len(with_one) == len(with_many)


def test_a_host_notes_days_away_on_the_page(app: Flask) -> None:
    host = member()
    deputy = colleague(host, name="Bo Deputy")
    kind = bookable(host)
    visitor = Visitor(app).sign_in(host)
    typed = {
        "first_day": in_days(2).isoformat(),
        "last_day": in_days(3).isoformat(),
        "note": "By the sea",
        "stand_in_id": str(deputy.user_id),
    }
    page = visitor.follow(visitor.send(visitor.open(PAGE).form("/days-off"), typed))
    assert "Bo Deputy stands in" in page.words
    assert "By the sea" in page.words
    assert "By the sea" not in visitor.open(f"/book/{host.organization.slug}/{kind.slug}").words
    assert "noted as out of office already" in visitor.send(page.form("/days-off"), typed, status=409).words
    visitor.send(visitor.open(page.link("Edit")).form(), {"stand_in_id": "", "last_day": in_days(2).isoformat()})
    assert "Nobody stands in" in visitor.open(PAGE).words
    assert len(slots(visitor.client, kind, in_days(3))) == 8
    page = visitor.follow(visitor.send(visitor.open(PAGE).form("/delete")))
    assert "Guests can book you on these days again" in page.words
    assert len(slots(visitor.client, kind, in_days(2))) == 8


def test_programs_note_days_away(client: FlaskClient) -> None:
    host = member()
    deputy = colleague(host)
    headers = bearer(host, READ, WRITE)
    days = {"first_day": in_days(2).isoformat(), "last_day": in_days(3).isoformat()}
    made = client.post(API, json=days | {"stand_in_id": str(deputy.user_id)}, headers=headers).get_json()
    assert (made["timezone"], made["stand_in"]["id"]) == ("Europe/Berlin", str(deputy.user_id))
    refused(client.post(API, json=days, headers=headers), 409, "already_away", "first_day")
    one = f"{API}/{made['id']}"
    changed = client.put(one, json=days | {"note": "x", "timezone": "UTC"}, headers=headers).get_json()
    assert (changed["note"], changed["timezone"], changed["stand_in"]) == ("x", "UTC", None)
    assert client.get(API, headers=headers).get_json()["items"] == [client.get(one, headers=headers).get_json()]
    assert client.delete(one, headers=headers).get_json() == changed
    refused(client.get(one, headers=headers), 404, "not_found")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"last_day": "2020-01-01"}, "last_day"),
        ({"last_day": (date.today() + timedelta(days=900)).isoformat()}, "last_day"),  # noqa: DTZ011  # any far day
        ({"first_day": "soon"}, "first_day"),
        ({"stand_in_id": str(uuid4())}, "stand_in_id"),
        ({"note": "x" * 501}, "note"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
    ],
)
def test_days_away_that_make_no_sense_are_refused(client: FlaskClient, changes: dict[str, str], field: str) -> None:
    good = {"first_day": in_days(2).isoformat(), "last_day": in_days(3).isoformat()}
    refused(client.post(API, json=good | changes, headers=bearer(member(), WRITE)), 422, "invalid", field)


def test_nobody_stands_in_for_themselves(client: FlaskClient) -> None:
    host = member()
    days = {"first_day": in_days(2).isoformat(), "last_day": in_days(3).isoformat(), "stand_in_id": str(host.user_id)}
    refused(client.post(API, json=days, headers=bearer(host, WRITE)), 422, "invalid", "stand_in_id")


def test_outsiders_see_no_days_away_and_change_none(app: Flask, client: FlaskClient) -> None:
    host = member(role=Role.MEMBER)
    absence = away(host, 2)
    good = {"first_day": in_days(2).isoformat(), "last_day": in_days(3).isoformat()}
    for stranger in (member(), colleague(host)):
        headers = bearer(stranger, READ, WRITE)
        assert client.get(API, headers=headers).get_json() == {"items": []}
        for call in (
            client.get(f"{API}/{absence.id}", headers=headers),
            client.put(f"{API}/{absence.id}", json=good, headers=headers),
            client.delete(f"{API}/{absence.id}", headers=headers),
        ):
            refused(call, 404, "not_found")
        visitor = Visitor(app).sign_in(stranger)
        visitor.open(f"{PAGE}/{absence.id}", status=404)
        form = visitor.open(PAGE).form("/days-off")
        for verb in ("", "/delete"):
            form.action = f"{PAGE}/{absence.id}{verb}"
            visitor.send(form, status=404)
    refused(client.post(API, json=good, headers=bearer(host, READ)), 403, "insufficient_scope")
    assert client.patch(API, headers=bearer(host, WRITE)).status_code == 405


def test_a_host_who_passes_over_the_rules_gets_no_stand_in_on_other_days(app: Flask) -> None:
    host = member(name="Ada")
    deputy = colleague(host, name="Bo")
    schedule(of=deputy)
    kind = bookable(host)
    away(host, 2, stand_in=deputy)
    with transaction():
        late = book(event_type=kind, start=at(20, days=3), guest=GUEST, answers={}, by=Side.HOST, outside_rules=True)
        covered = book(event_type=kind, start=at(10), guest=GUEST, answers={}, by=Side.HOST, outside_rules=True)
        over_it = book(event_type=kind, start=at(20), guest=GUEST, answers={}, by=Side.HOST, outside_rules=True)
    assert [booking.host.name for booking in (late, covered, over_it)] == ["Ada", "Bo", "Ada"]


@pytest.mark.parametrize(
    ("zone", "hour", "shown"),
    [
        ("Pacific/Honolulu", 1, True),  # three in the afternoon of the last day there
        ("Pacific/Honolulu", 10, False),  # midnight
        ("Pacific/Kiritimati", 9, True),
        ("Pacific/Kiritimati", 10, False),
    ],
)
def test_programs_see_a_day_off_until_it_is_over_where_the_host_is(
    client: FlaskClient, zone: str, hour: int, shown: bool
) -> None:
    day, host = date(2027, 3, 1), member(timezone=zone)
    away(host, 0, timezone=zone, first_day=day, last_day=day)
    ends_on = day + timedelta(days=1) if zone == "Pacific/Honolulu" else day
    with time_machine.travel(datetime(ends_on.year, ends_on.month, ends_on.day, hour, tzinfo=UTC), tick=False):
        listed = client.get(API, headers=bearer(host, READ)).get_json()["items"]
    assert [each["last_day"] for each in listed] == ([day.isoformat()] if shown else [])
