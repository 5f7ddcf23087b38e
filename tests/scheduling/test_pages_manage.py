"""What a guest does with the link of the e-mail, without JavaScript."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from icalendar import Calendar
from sqlalchemy import select

from tests.factories import event_type
from tests.scheduling.helpers import at, booked, counted_queries, in_days
from tests.scheduling.pages import Page, Visitor
from webapp.core import clock
from webapp.core.db import session, transaction
from webapp.scheduling.models import Booking, BookingStatus, Side
from webapp.scheduling.service.booking import cancel, manage_token
from webapp.scheduling.views.picker import start_value

PAGES = ("", "/reschedule", "/cancel")


@pytest.fixture
def guest(app: Flask) -> Visitor:
    return Visitor(app)


@pytest.fixture
def booking(app: Flask) -> Booking:
    return booked(event_type(name="Portrait"))


def link(booking: Booking, ending: str = "") -> str:
    return f"/manage/{manage_token(booking)}{ending}"


def now(booking: Booking) -> Booking:
    """The booking as the database has it."""
    session().rollback()
    return session().scalars(select(Booking).filter_by(id=booking.id).execution_options(populate_existing=True)).one()


def cancelled(booking: Booking) -> Booking:
    with transaction():
        return cancel(booking=booking, by=Side.HOST, reason="The studio is closed that day")


def past(booking: Booking) -> Booking:
    with transaction():
        for name in ("starts_at", "ends_at"):
            setattr(booking, name, getattr(booking, name) - timedelta(days=30))
    return booking


def offered(page: Page) -> list[str]:
    return [href for href, _ in page.links if "start=" in href]


def test_the_link_shows_the_booking_in_the_guests_zone(guest: Visitor, booking: Booking) -> None:
    words = guest.open(link(booking), headers={"Accept-Language": "en-GB"}).words
    for expected in ("Portrait", "10:00 – 10:30", "Europe/Berlin (UTC+0", "Room 1", booking.host.name, "Ada Lovelace"):  # noqa: RUF001  # a dash
        assert expected in words


def test_calendars_can_take_it_over(guest: Visitor, booking: Booking) -> None:
    page = guest.open(link(booking, "?new=1"))
    assert page.link("Google").startswith("https://calendar.google.com/")
    assert page.link("Outlook").startswith("https://outlook.live.com/")
    file = guest.open(page.link("Apple")).answer
    assert file.mimetype == "text/calendar"
    assert "invite.ics" in file.headers["Content-Disposition"]
    event = Calendar.from_ical(file.data).events[0]
    assert event.start == booking.starts_at


@pytest.mark.parametrize("ending", PAGES)
def test_no_cache_keeps_the_page_and_no_other_site_learns_its_address(
    guest: Visitor, booking: Booking, ending: str
) -> None:
    answer = guest.open(link(booking, ending)).answer
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert '<meta name="robots" content="noindex, nofollow">' in answer.text
    assert '<meta name="referrer" content="same-origin">' in answer.text


@pytest.mark.parametrize("ending", [*PAGES, "/invite.ics"])
def test_a_link_that_opens_nothing_is_not_found(guest: Visitor, booking: Booking, ending: str) -> None:
    assert "There is no booking under this link" in guest.open(f"/manage/{'x' * 32}{ending}", status=404).words


def test_opening_links_as_mail_scanners_do_changes_nothing(guest: Visitor, booking: Booking) -> None:
    page = guest.open(link(booking))
    for href, _ in page.links:
        if href.startswith("/manage"):
            for again, _words in guest.open(href).links:
                if again.startswith("/manage"):
                    guest.open(again)
    assert (now(booking).status, now(booking).starts_at) == (BookingStatus.CONFIRMED, at(10))


def test_a_guest_moves_a_booking(guest: Visitor, booking: Booking) -> None:
    page = guest.open(link(booking, f"/reschedule?day={in_days(3)}"))
    asked = guest.open(next(href for href in offered(page) if start_value(at(11, days=3)) in href))
    assert "From now on" in asked.words
    shown = guest.follow(guest.send(asked.form("/reschedule")))
    assert "has been moved" in shown.words
    assert (now(booking).starts_at, now(booking).sequence) == (at(11, days=3), 1)


def test_its_own_time_does_not_stand_in_its_way(guest: Visitor) -> None:
    booking = booked(event_type(duration=60, slot_interval=30))
    page = guest.open(link(booking, f"/reschedule?day={in_days(2)}"))
    assert any(start_value(at(10, 30)) in href for href in offered(page))


def test_the_time_that_a_booking_has_is_not_offered_as_a_new_one(guest: Visitor, booking: Booking) -> None:
    page = guest.open(link(booking, f"/reschedule?day={in_days(2)}"))
    assert any(start_value(at(10, 30)) in href for href in offered(page))
    assert not any(start_value(at(10)) in href for href in offered(page))
    same = guest.open(link(booking, f"/reschedule?start={start_value(at(10))}"), status=303)
    assert "already at this time" in guest.follow(same).words


def test_a_time_taken_meanwhile_offers_others(guest: Visitor, booking: Booking) -> None:
    asked = guest.open(link(booking, f"/reschedule?start={start_value(at(11))}")).form("/reschedule")
    booked(booking.event_type, at(11))
    page = guest.send(asked, status=409)
    assert "has just been taken" in page.words
    guest.send(page.form("/reschedule"), {"start": start_value(at(12))})
    assert now(booking).starts_at == at(12)


@pytest.mark.parametrize("start", ["", "soon", "0001-01-01T00:00Z"])
def test_moving_to_nowhere_leads_back_to_the_calendar(guest: Visitor, booking: Booking, start: str) -> None:
    asked = guest.open(link(booking, f"/reschedule?start={start_value(at(11))}")).form("/reschedule")
    assert "Please choose a time first" in guest.follow(guest.send(asked, {"start": start})).words
    assert now(booking).starts_at == at(10)


def test_a_guest_cancels_with_a_reason(guest: Visitor, booking: Booking) -> None:
    form = guest.open(link(booking, "/cancel")).form("/cancel")
    shown = guest.follow(guest.send(form, {"reason": " I fell ill "}))
    assert "This booking was cancelled" in shown.words
    assert "I fell ill" in shown.words
    kept = now(booking)
    assert (kept.status, kept.cancelled_by, kept.cancel_reason) == (BookingStatus.CANCELLED, Side.GUEST, "I fell ill")


def test_cancelling_twice_says_that_it_is_cancelled(guest: Visitor, booking: Booking) -> None:
    form = guest.open(link(booking, "/cancel")).form("/cancel")
    guest.send(form)
    assert "This booking was cancelled" in guest.follow(guest.send(form)).words


def test_too_long_a_reason_is_kept_and_named(guest: Visitor, booking: Booking) -> None:
    form = guest.open(link(booking, "/cancel")).form("/cancel")
    page = guest.send(form, {"reason": "x" * 501}, status=422)
    assert dict(page.form("/cancel").fields)["reason"] == "x" * 501
    assert 'id="reason-error"' in page.answer.text
    assert now(booking).status is BookingStatus.CONFIRMED


@pytest.mark.parametrize("ending", ["/reschedule", "/cancel"])
@pytest.mark.parametrize(("change", "words"), [(cancelled, "was cancelled"), (past, "is over")])
def test_what_cannot_be_changed_any_more_says_so_and_offers_to_book_again(
    guest: Visitor, booking: Booking, ending: str, change: object, words: str
) -> None:
    form = guest.open(link(booking, "/cancel")).form("/cancel")
    change(booking)  # type: ignore[operator]  # one of the two functions above
    page = guest.follow(guest.open(link(booking, ending), status=303))
    assert words in page.words
    assert page.link("Book again") == f"/book/{booking.event_type.organization.slug}/{booking.event_type.slug}"
    form.action = link(booking, ending)
    assert words in guest.follow(guest.send(form, {"start": start_value(at(11))})).words


def test_the_hosts_reason_is_shown(guest: Visitor, booking: Booking) -> None:
    cancelled(booking)
    assert "The studio is closed that day" in guest.open(link(booking)).words


@pytest.mark.parametrize("ending", ["/reschedule", "/cancel"])
def test_a_post_without_its_token_changes_nothing(guest: Visitor, booking: Booking, ending: str) -> None:
    answer = guest.client.post(link(booking, ending), data={"start": start_value(at(11))})
    assert answer.status_code == 400
    assert (now(booking).status, now(booking).starts_at) == (BookingStatus.CONFIRMED, at(10))


@pytest.mark.parametrize("ending", PAGES)
def test_a_page_costs_few_queries(guest: Visitor, booking: Booking, ending: str) -> None:
    with counted_queries() as statements:
        guest.open(link(booking, f"{ending}?day={in_days(2)}"))
    assert len(statements) <= 8


def test_every_id_on_a_page_is_its_own(guest: Visitor, booking: Booking) -> None:
    for ending in (*PAGES, f"/reschedule?start={start_value(at(11))}"):
        ids = guest.open(link(booking, ending)).ids
        assert len(ids) == len(set(ids))
    assert clock.now() < booking.starts_at
