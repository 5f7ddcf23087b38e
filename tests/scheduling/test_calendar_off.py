"""What else than meetings keeps guests from a host's days stands in the calendar."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
import time_machine
from flask import Flask

from tests.factories import member, schedule
from tests.scheduling.helpers import counted_queries
from tests.scheduling.pages import Visitor
from webapp.core.db import session, transaction
from webapp.identity.models import Membership, Role
from webapp.scheduling.service.blocks import BlockDetails, RecurringDetails, block_recurring, block_time
from webapp.scheduling.service.holidays import choose_holidays
from webapp.scheduling.service.out_of_office import AwayDetails, be_away

ZONE = "Europe/Berlin"
TUESDAY, WEDNESDAY, CHRISTMAS = date(2026, 12, 22), date(2026, 12, 23), date(2026, 12, 25)
ENGLISH, GERMAN = {"Accept-Language": "en-GB"}, {"Accept-Language": "de-DE"}
HATCHED = '<div class="calendar__gap"'


@pytest.fixture(autouse=True)
def before_christmas() -> Iterator[None]:
    with time_machine.travel("2026-12-20T08:00:00Z", tick=True):
        yield


@pytest.fixture
def host(app: Flask) -> Membership:
    return member(name="Ada Host")


def fair(host: Membership, first: date, last: date, title: str = "Trade fair") -> None:
    with transaction():
        details = BlockDetails.whole_days(first, last, timezone=ZONE, title=title)
        block_time(organization_id=host.organization_id, host_id=host.user_id, details=details)


def lunch(host: Membership, title: str = "Lunch") -> None:
    details = RecurringDetails(
        timezone=ZONE, first_day=TUESDAY, start_minute=720, end_minute=780, rule="FREQ=DAILY", title=title
    )
    with transaction():
        block_recurring(organization_id=host.organization_id, host_id=host.user_id, details=details)


def away(host: Membership, day: date, note: str = "") -> None:
    details = AwayDetails(timezone=ZONE, first_day=day, last_day=day, note=note)
    with transaction():
        be_away(organization_id=host.organization_id, host_id=host.user_id, details=details)


def on_christmas(host: Membership) -> None:
    place = schedule(of=host)
    with transaction():
        choose_holidays(schedule=place, country="DE")


def words(visitor: Visitor, day: date = TUESDAY, view: str = "week", rest: str = "") -> str:
    return visitor.open(f"/app/calendar?view={view}&day={day}{rest}", headers=ENGLISH).words


@pytest.mark.parametrize("view", ["day", "week", "month"])
def test_whole_days_are_named(visitor: Visitor, host: Membership, view: str) -> None:
    fair(host, TUESDAY, TUESDAY)
    away(host, WEDNESDAY)
    on_christmas(host)
    assert "Trade fair, all day" in words(visitor, TUESDAY, view)
    assert "Away" in words(visitor, WEDNESDAY, view)
    assert "Christmas Day" in words(visitor, CHRISTMAS, view)
    german = visitor.open(f"/app/calendar?view={view}&day={CHRISTMAS}", headers=GERMAN)
    assert "Erster Weihnachtstag" in german.words


def test_a_closed_day_is_hatched_and_an_open_one_is_not(visitor: Visitor, host: Membership) -> None:
    fair(host, TUESDAY, TUESDAY)
    closed, opened = (visitor.open(f"/app/calendar?view=day&day={day}").answer.text for day in (TUESDAY, WEDNESDAY))
    assert HATCHED in closed
    assert HATCHED not in opened
    assert "data-lines" in closed
    assert "data-lines" not in opened


def test_blocked_hours_are_where_they_are_and_say_what_for(visitor: Visitor, host: Membership) -> None:
    lunch(host)
    page = visitor.open(f"/app/calendar?view=day&day={TUESDAY}", headers=ENGLISH)
    assert "12:00 – 13:00 Lunch" in page.words  # noqa: RUF001  # a dash
    assert 'data-hour="12" data-minute="0" data-hours="1" data-minutes="0"' in " ".join(page.answer.text.split())


def test_a_month_leaves_out_what_comes_every_day(visitor: Visitor, host: Membership) -> None:
    lunch(host)
    starts, ends = (datetime(2026, 12, 22, hour, tzinfo=UTC) for hour in (14, 15))
    with transaction():
        doctor = BlockDetails(timezone=ZONE, starts_at=starts, ends_at=ends, title="Doctor")
        block_time(organization_id=host.organization_id, host_id=host.user_id, details=doctor)
    shown = words(visitor, TUESDAY, "month")
    assert "15:00 – 16:00 Doctor" in shown  # noqa: RUF001  # a dash
    assert "Lunch" not in shown


def test_hours_that_are_not_drawn_are_still_said(visitor: Visitor, host: Membership) -> None:
    starts, ends = (datetime(2026, 12, 22, hour, tzinfo=UTC) for hour in (20, 21))
    with transaction():
        details = BlockDetails(timezone=ZONE, starts_at=starts, ends_at=ends, title="Choir")
        block_time(organization_id=host.organization_id, host_id=host.user_id, details=details)
    page = visitor.open(f"/app/calendar?view=day&day={TUESDAY}")
    assert "calendar__kept--unseen" in page.answer.text
    assert "Choir" in page.words
    every = visitor.open(f"/app/calendar?view=day&day={TUESDAY}&hours=all")
    assert "calendar__kept--unseen" not in every.answer.text


def test_everybodys_calendar_says_who_and_hatches_nobodys_hours(visitor: Visitor, host: Membership) -> None:
    mate = member(of=host.organization, role=Role.MEMBER, name="Bo Mate")
    for one in (host, mate):
        away(one, TUESDAY)
    lunch(mate)
    page = visitor.open(f"/app/calendar?view=week&day={TUESDAY}&host=all", headers=ENGLISH)
    assert "Ada Host, Bo Mate: Away" in page.words
    assert HATCHED not in page.answer.text
    assert "Lunch" not in page.words
    assert "Away" in words(visitor, TUESDAY, rest=f"&host={mate.user_id}")


def test_a_day_off_in_another_zone_is_the_readers_day_that_it_takes_most_of(visitor: Visitor, host: Membership) -> None:
    other = member(of=host.organization, role=Role.MEMBER, name="Noor Newyork")
    with transaction():
        details = AwayDetails(timezone="America/New_York", first_day=WEDNESDAY, last_day=WEDNESDAY)
        be_away(organization_id=host.organization_id, host_id=other.user_id, details=details)
    shown = [words(visitor, date(2026, 12, day), "day", "&host=all") for day in (22, 23, 24)]
    assert ["Noor Newyork: Away" in page for page in shown] == [False, True, False]


def test_of_many_who_are_away_the_calendar_says_how_many_more(visitor: Visitor, host: Membership) -> None:
    for number in range(6):
        other = member(of=host.organization, role=Role.MEMBER, name=f"Host {number}")
        fair(other, TUESDAY, TUESDAY, title=f"Reason {number}")
    page = words(visitor, TUESDAY, "week", "&host=all")
    assert sum(f"Reason {number}, all day" in page for number in range(6)) == 3
    assert "and 3 more" in page


def test_hours_of_a_day_begin_on_it(visitor: Visitor, host: Membership) -> None:
    with transaction():
        details = AwayDetails(timezone="America/New_York", first_day=TUESDAY, last_day=TUESDAY)
        be_away(organization_id=host.organization_id, host_id=host.user_id, details=details)
    assert "00:00 \N{EN DASH} 06:00 Away" in words(visitor, WEDNESDAY, "day")


def test_what_another_organisation_noted_is_shown_without_its_words(visitor: Visitor, host: Membership) -> None:
    elsewhere = member().organization
    with transaction():
        fair_of_others = BlockDetails.whole_days(TUESDAY, TUESDAY, timezone=ZONE, title="Secret talks")
        block_time(organization_id=elsewhere.id, host_id=host.user_id, details=fair_of_others)
        trip = AwayDetails(timezone=ZONE, first_day=WEDNESDAY, last_day=WEDNESDAY, note="Secret trip")
        be_away(organization_id=elsewhere.id, host_id=host.user_id, details=trip)
    away(host, CHRISTMAS, "Skiing")
    shown = words(visitor)
    assert "Blocked, all day" in shown
    assert "Away: Skiing" in shown
    assert "Secret" not in shown


def test_more_of_it_costs_no_more_queries(visitor: Visitor, host: Membership) -> None:
    def cost() -> list[int]:
        counts = []
        for view in ("week", "month"):
            for whose_days in ("", "all"):
                session().expire_all()
                with counted_queries() as statements:
                    words(visitor, TUESDAY, view, f"&host={whose_days}")
                counts.append(len(statements))
        return counts

    fair(host, TUESDAY, TUESDAY)
    away(host, WEDNESDAY)
    lunch(host)
    on_christmas(host)
    few = cost()
    for number in range(3):
        mate = member(of=host.organization)
        on_christmas(mate)
        for one in (host, mate):
            fair(one, TUESDAY, date(2026, 12, 23 + number))
            lunch(one)
        away(mate, date(2026, 12, 27 + number))
    assert cost() == few
    assert max(few) <= 20
