"""A host's calendar, as people open it."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import booking, bookings, event_type, member
from tests.scheduling.helpers import BERLIN, at, bearer, booked, counted_queries, in_days
from tests.scheduling.pages import Visitor
from webapp.core.db import transaction
from webapp.identity.models import Role
from webapp.scheduling.models import EventKind, Side
from webapp.scheduling.queries.calendar import booked_on
from webapp.scheduling.service.booking import book, cancel
from webapp.scheduling.service.guests import Guest
from webapp.scheduling.views import calendar
from webapp.scheduling.views.calendar_days import bounds

DAY = {"Accept-Language": "en-GB"}


def calendar_of(days: int = 2, **query: str) -> str:
    rest = "".join(f"&{name}={value}" for name, value in query.items())
    return f"/app/calendar?day={in_days(days)}{rest}"


@pytest.mark.parametrize("view", ["day", "week", "month"])
def test_a_booking_is_in_the_calendar_and_leads_to_its_page(app: Flask, view: str) -> None:
    host = member()
    made = booked(event_type(of=host))
    page = Visitor(app).sign_in(host).open(calendar_of(view=view), headers=DAY)
    assert page.link("Ada Lovelace") == f"/app/bookings/{made.id}" or view == "month"
    assert f"/app/bookings/{made.id}" in [href for href, _words in page.links]
    assert "10:00" in page.words
    assert "All times are in Europe/Berlin (UTC+" in page.words


def test_what_was_cancelled_takes_no_place(app: Flask) -> None:
    host = member()
    made = booked(event_type(of=host))
    with transaction():
        cancel(booking=made, by=Side.HOST, reason="")
    page = Visitor(app).sign_in(host).open(calendar_of())
    assert "Ada Lovelace" not in page.words
    assert "Nothing is booked in this time." in page.words


def test_a_request_takes_its_place_and_says_what_it_waits_for(app: Flask) -> None:
    host = member()
    booked(event_type(of=host, requires_approval=True))
    for view in ("week", "month"):
        assert "Waiting for approval" in Visitor(app).sign_in(host).open(calendar_of(view=view)).words


def test_a_group_is_one_meeting_with_all_its_guests(app: Flask) -> None:
    host = member()
    kind = event_type(of=host, kind=EventKind.GROUP, seats=5)
    booked(kind)
    with transaction():
        guest = Guest(name="Grace Hopper", email="grace@example.com", timezone="UTC")
        book(event_type=kind, start=at(10), guest=guest, answers={})
    page = Visitor(app).sign_in(host).open(calendar_of())
    assert "2 guests" in page.words
    assert page.answer.text.count('class="entry') - page.answer.text.count('class="entry_') == 1
    assert page.link("Grace Hopper") != page.link("Ada Lovelace")


def test_administrators_see_others_and_everybody(app: Flask) -> None:
    owner = member(name="Olga Owner")
    other = member(of=owner.organization, role=Role.MEMBER, name="Max Member")
    booked(event_type(of=other))
    visitor = Visitor(app).sign_in(owner)
    assert "Ada Lovelace" not in visitor.open(calendar_of()).words
    assert "Ada Lovelace" in visitor.open(calendar_of(host=str(other.user_id))).words
    everybody = visitor.open(calendar_of(host="all")).words
    assert "Ada Lovelace" in everybody
    assert "Max Member" in everybody


def test_members_see_their_own_whatever_they_ask_for(app: Flask) -> None:
    owner = member()
    other = member(of=owner.organization, role=Role.MEMBER)
    booked(event_type(of=owner))
    visitor = Visitor(app).sign_in(other)
    for host in ("all", str(owner.user_id)):
        page = visitor.open(calendar_of(host=host))
        assert "Ada Lovelace" not in page.words
        assert "Whose calendar" not in page.words


def test_other_organisations_are_not_among_everybody(app: Flask) -> None:
    booked(event_type())
    assert "Ada Lovelace" not in Visitor(app).sign_in(member()).open(calendar_of(host="all")).words


def test_strangers_are_sent_to_sign_in(client: FlaskClient) -> None:
    answer = client.get("/app/calendar?view=day")
    assert answer.location == "/sign-in?next=/app/calendar%3Fview%3Dday"
    assert client.post("/app/calendar").status_code in {400, 405}


def test_nonsense_in_the_address_shows_this_week(app: Flask) -> None:
    visitor = Visitor(app).sign_in(member())
    for query in ("view=year&day=tomorrow&host=me&hours=x", "day=0001-01-01", "day=9999-12-31"):
        assert 'data-from="' in visitor.open(f"/app/calendar?{query}").answer.text


def test_the_week_begins_where_the_reader_begins_it(app: Flask) -> None:
    visitor = Visitor(app).sign_in(member())
    monday, sunday = (
        visitor.open("/app/calendar?day=2026-11-25", headers={"Accept-Language": language}).words
        for language in ("en-GB", "en-US")
    )
    assert "23–29 Nov 2026" in monday  # noqa: RUF001  # a dash
    assert "Nov 22 – 28, 2026" in sunday.replace("\N{THIN SPACE}", " ")  # noqa: RUF001  # a dash


def test_the_number_of_queries_does_not_grow(app: Flask) -> None:
    host = member()
    kind = event_type(of=host)
    visitor = Visitor(app).sign_in(host)

    def queries() -> int:
        with counted_queries() as statements:
            visitor.open(calendar_of(view="month", host="all"))
        return len(statements)

    booked(kind)
    one = queries()
    for hour in range(11, 16):
        booking(of=kind, start=at(hour))
    assert queries() == one


def test_the_api_tells_what_takes_place_between_two_instants(client: FlaskClient) -> None:
    host = member()
    kind = event_type(of=host)
    made = booked(kind, at(10))
    booked(kind, at(14))
    query = {"start": at(9, 30).isoformat(), "end": at(10, 15).isoformat(), "host": str(host.user_id)}
    answer = client.get("/api/v1/bookings", query_string=query, headers=bearer(host))
    assert [item["id"] for item in answer.get_json()["items"]] == [str(made.id)]
    far = {"start": "0001-01-01T00:00:00Z", "end": "9999-12-31T00:00:00Z"}
    everything = client.get("/api/v1/bookings", query_string=far, headers=bearer(host))
    assert len(everything.get_json()["items"]) == 2


def test_of_a_full_day_the_first_meetings_are_shown_and_the_others_counted(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(calendar._MOST, calendar.View.WEEK, 4)
    host = member()
    bookings(of=event_type(of=host), starts=[at(10 + number) for number in range(8)])
    visitor = Visitor(app).sign_in(host)
    for view, shown, words in (("month", 3, "5 more"), ("week", 4, ": and 4 more"), ("day", 8, "")):
        page = visitor.open(calendar_of(view=view), headers=DAY)
        assert len([href for href, _words in page.links if "/app/bookings/" in href]) == shown
        assert words in page.words
        assert (" more" in page.words) == bool(words)


def test_nothing_is_read_that_is_not_shown(app: Flask) -> None:
    kind = event_type()
    bookings(of=kind, starts=[at(number, minute) for number in range(1, 21) for minute in (0, 30)])
    days = [bounds(in_days(number), in_days(number), BERLIN) for number in range(1, 4)]
    found = booked_on(organization_id=kind.organization_id, host_id=None, days=days, most=3, most_guests=1)
    assert [booking.starts_at for booking in found.bookings] == [at(1), at(1, 30), at(2)]
    assert found.totals == [0, 40, 0]


def test_a_meeting_over_midnight_is_among_those_of_both_days_and_a_group_is_one(app: Flask) -> None:
    host = member()
    kind = event_type(of=host)
    party = event_type(of=host, kind=EventKind.GROUP, seats=5)
    bookings(of=kind, starts=[at(23)], minutes=120)
    booked(party, at(15)), booked(party, at(15))
    days = [bounds(in_days(number), in_days(number), BERLIN) for number in (1, 2, 3)]
    whose = {"organization_id": host.organization_id, "host_id": host.user_id}
    assert booked_on(**whose, days=days, most=9, most_guests=9).totals == [0, 2, 1]
    assert len(booked_on(**whose, days=days, most=9, most_guests=9).bookings) == 3
    assert len(booked_on(**whose, days=days, most=9, most_guests=1).bookings) == 2
    assert len(booked_on(**whose, days=days, most=1, most_guests=9).bookings) == 3
