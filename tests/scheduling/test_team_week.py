"""The team's week at a glance: who is open, busy and away."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import bookings, event_type, member, schedule
from tests.scheduling.helpers import BERLIN, bearer, counted_queries, refused
from tests.scheduling.pages import Visitor
from webapp.core.db import session, transaction
from webapp.identity.models import Membership, Role, Scope
from webapp.scheduling.models import EventHost, EventKind
from webapp.scheduling.queries import team_mates
from webapp.scheduling.service.blocks import BlockDetails, block_time
from webapp.scheduling.service.holidays import choose_holidays
from webapp.scheduling.service.out_of_office import AwayDetails, be_away
from webapp.scheduling.service.team_week import team_week

PAGE, API = "/app/team/availability", "/api/v1/availability/team"
MONDAY = date(2026, 9, 28)


@pytest.fixture(autouse=True)
def in_september() -> Iterator[None]:
    with time_machine.travel("2026-09-20T08:00:00Z", tick=True):
        yield


@pytest.fixture
def owner(app: Flask) -> Membership:
    return member(name="Olga Owner")


def utc(day: int, hour: int) -> datetime:
    return datetime(2026, 9, day, hour, tzinfo=UTC)


def days(host: Membership, first: date = MONDAY) -> list[list[tuple[str, int, int]]]:
    """Each day of the first host's week, in hours from its beginning in Berlin."""
    (week,) = (
        week
        for week in team_week(organization_id=host.organization_id, first=first, zone=BERLIN)
        if week.host.id == host.user_id
    )
    return [[(each.state.value, each.begin // 60, each.end // 60) for each in day.stretches] for day in week.days]


def test_hours_meetings_blocks_and_days_away_are_told_apart(owner: Membership) -> None:
    kind = event_type(of=owner, on=schedule(of=owner))
    bookings(of=kind, starts=[utc(28, 8)], minutes=60)  # ten in Berlin
    with transaction():
        choose_holidays(schedule=kind.schedule, country="DE")
        whose = {"organization_id": owner.organization_id, "host_id": owner.user_id}
        block_time(**whose, details=BlockDetails(timezone="UTC", starts_at=utc(28, 12), ends_at=utc(28, 13)))
        tuesday = date(2026, 9, 29)
        be_away(**whose, details=AwayDetails(timezone="Europe/Berlin", first_day=tuesday, last_day=tuesday))
    found = days(owner)
    assert found[0] == [("open", 9, 10), ("busy", 10, 11), ("open", 11, 14), ("busy", 14, 15), ("open", 15, 17)]
    assert found[1] == [("away", 0, 24)]
    assert found[2] == [("open", 9, 17)]
    assert found[5] == [("away", 0, 24)]  # German Unity Day


def test_hours_are_shown_in_the_readers_zone_across_a_change_of_the_clocks(owner: Membership) -> None:
    schedule(of=owner, zone="America/New_York")
    found = days(owner, date(2026, 10, 24))
    assert found[0] == [("open", 15, 23)]
    assert found[1] == [("open", 15, 23)]  # elapsed: an hour came twice that night, so the wall says 14 to 22


def test_administrators_see_everybody_and_members_their_own_team(app: Flask, owner: Membership) -> None:
    mate, other = (member(of=owner.organization, role=Role.MEMBER, name=name) for name in ("Bo Mate", "Cy Other"))
    member(name="Zed Outsider")
    kind = event_type(of=owner, on=schedule(of=owner), kind=EventKind.ROUND_ROBIN)
    with transaction():
        for host in (owner, mate):
            whose = {"organization_id": kind.organization_id, "event_type_id": kind.id, "host_id": host.user_id}
            session().add(EventHost(**whose, schedule_id=kind.schedule_id))
    everybody = Visitor(app).sign_in(owner).open(PAGE).words
    assert [name in everybody for name in ("Olga Owner", "Bo Mate", "Cy Other", "Zed")] == [True, True, True, False]
    team = Visitor(app).sign_in(mate).open(PAGE).words
    assert [name in team for name in ("Olga Owner", "Bo Mate", "Cy Other")] == [True, True, False]
    alone = Visitor(app).sign_in(other).open(PAGE).words
    assert [name in alone for name in ("Olga Owner", "Bo Mate", "Cy Other")] == [False, False, True]
    assert team_mates(organization_id=owner.organization_id, host_id=other.user_id) == {other.user_id}


def test_the_page_says_in_words_what_the_bars_show(app: Flask, owner: Membership) -> None:
    schedule(of=owner)
    visitor = Visitor(app).sign_in(owner)
    english = {"Accept-Language": "en-GB"}
    page = visitor.open(f"{PAGE}?week=2026-09-30", headers=english)
    assert "Open, 09:00" in page.words
    assert "28 Sept 2026 to 4 Oct 2026" in page.words
    assert visitor.open(page.link("Later"), headers=english).link("Earlier") == f"{PAGE}?week=2026-09-28"
    for odd in ("soon", "9999-12-31", "0001-01-01"):
        visitor.open(f"{PAGE}?week={odd}")
    assert visitor.client.post(PAGE).status_code == 405


def test_the_note_of_another_organisation_is_not_shown(app: Flask, owner: Membership) -> None:
    elsewhere = member()
    with transaction():
        away = AwayDetails(timezone="UTC", first_day=MONDAY, last_day=MONDAY, note="Secret talks")
        be_away(organization_id=elsewhere.organization_id, host_id=owner.user_id, details=away)
    page = Visitor(app).sign_in(owner).open(f"{PAGE}?week={MONDAY}")
    assert "Secret talks" not in page.words
    assert "Away, " in page.words


def test_a_larger_team_costs_no_more_queries(owner: Membership) -> None:
    def week() -> int:
        session().expire_all()
        with counted_queries() as statements:
            team_week(organization_id=owner.organization_id, first=MONDAY, zone=BERLIN)
        return len(statements)

    schedule(of=owner)
    with_one = week()
    for _number in range(5):
        schedule(of=member(of=owner.organization))
    assert week() == with_one


def test_programs_see_the_teams_week(client: FlaskClient, owner: Membership) -> None:
    schedule(of=owner)
    headers = bearer(owner, Scope.AVAILABILITY_READ)
    found = client.get(f"{API}?start=2026-09-28&timezone=Asia/Tokyo", headers=headers).get_json()
    assert found["hosts"][0]["days"][0]["stretches"] == [
        {"state": "open", "start": "2026-09-28T16:00:00+09:00", "end": "2026-09-29T00:00:00+09:00"}
    ]
    refused(client.get(f"{API}?start=soon&timezone=UTC", headers=headers), 422, "invalid", "start")
    refused(client.get(f"{API}?start=9999-12-30&timezone=UTC", headers=headers), 422, "invalid", "start")
    refused(client.get(f"{API}?start=2026-09-28&timezone=UTC"), 401, "unauthenticated")
