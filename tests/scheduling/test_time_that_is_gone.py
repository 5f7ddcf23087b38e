"""A guest asks for a time that cannot be had, or not any more: why, and what there is instead."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.factories import event_type
from tests.scheduling.helpers import at, booked
from tests.scheduling.pages import Visitor
from tests.scheduling.test_pages_guest import bookings, form_of, page_of
from webapp.scheduling.views.picker import start_value


@pytest.fixture
def guest(app: Flask) -> Visitor:
    return Visitor(app)


def test_a_time_taken_meanwhile_keeps_what_was_typed_and_offers_the_nearest(guest: Visitor) -> None:
    kind = event_type()
    form = guest.open(form_of(kind)).form("/confirm")
    booked(kind, at(10))
    page = guest.send(form, {"name": "Mara", "email": "mara@example.org"}, status=409)
    again = page.form("/confirm")
    assert dict(again.fields)["name"] == "Mara"
    assert "has just been taken" in page.words
    assert 'value="' + start_value(at(10, 30)) in page.answer.text
    assert 'value="' + start_value(at(9, 30)) in page.answer.text
    unchosen = guest.send(again, status=422)
    assert "Please choose one of these times" in unchosen.words
    guest.send(unchosen.form("/confirm"), {"start": start_value(at(10, 30))})
    assert bookings() == 2


def test_a_link_to_a_time_that_is_gone_offers_the_nearest_at_once(guest: Visitor) -> None:
    kind = event_type()
    booked(kind, at(10))
    page = guest.open(form_of(kind), status=409)
    assert "has just been taken" in page.words
    assert page.link("See the calendar").startswith(page_of(kind))


@pytest.mark.parametrize("start", ["", "soon", "2026-11-24T10:00", "9999-12-31T23:59Z", "0001-01-01T00:00Z", "%00"])
def test_a_start_that_is_none_leads_back_to_the_calendar(guest: Visitor, start: str) -> None:
    kind = event_type()
    page = guest.open(f"{page_of(kind)}/confirm?start={start}", status=303)
    assert "Please choose a time first" in guest.follow(page).words


@pytest.mark.parametrize(
    ("start", "words"),
    [("2020-01-01T10:00Z", "already passed"), ("2400-01-01T10:00Z", "too far ahead")],
)
def test_a_start_that_cannot_be_had_says_why(guest: Visitor, start: str, words: str) -> None:
    page = guest.open(f"{page_of(event_type())}/confirm?start={start}", status=422)
    assert words in page.words


def test_where_nothing_else_is_free_that_day_the_next_times_are_offered_and_nothing_typed_is_lost(
    guest: Visitor,
) -> None:
    kind = event_type(limit_per_day=1)
    form = guest.open(form_of(kind)).form()
    booked(kind, at(12))
    page = guest.send(form, {"name": "Ada", "email": "ada@example.com"}, status=409)
    assert "Nothing else is free on that day." in page.words
    assert "The next free times" in page.words
    again = page.form()
    assert dict(again.fields)["name"] == "Ada"
    guest.send(again, {"start": start_value(at(9, days=3))}, status=303)


def test_where_nothing_else_is_free_for_weeks_there_is_nothing_to_fill_in_but_a_way_on(guest: Visitor) -> None:
    day = at(10, days=400)
    page = guest.open(f"{page_of(event_type())}/confirm?start={start_value(day)}&timezone=Europe/Berlin", status=422)
    assert "Nothing else is free on that day." in page.words
    assert [form for form in page.forms if form.method == "post"] == []
    assert "Your name" not in page.words
    assert guest.open([href for href, words in page.links if words == "Choose another time"][-1])
