"""What guests see and do, without JavaScript."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from tests import factories
from tests.factories import event_type, member, organization, schedule
from tests.scheduling.helpers import BERLIN, at, booked, counted_queries, in_days
from tests.scheduling.pages import Page, Visitor
from webapp.core.db import session
from webapp.scheduling.models import Booking, DateOverride, EventType
from webapp.scheduling.service.offers import Offer
from webapp.scheduling.views.picker import label_slots, read_start, start_value

QUESTIONS = [
    {"key": "topic", "label": "What about?", "required": True, "long": False},
    {"key": "notes", "label": "Anything else?", "required": False, "long": True},
]


@pytest.fixture
def guest(app: Flask) -> Visitor:
    return Visitor(app)


def page_of(kind: EventType) -> str:
    return f"/book/{kind.organization.slug}/{kind.slug}"


def form_of(kind: EventType, hour: int = 10, minute: int = 0) -> str:
    return f"{page_of(kind)}/confirm?start={start_value(at(hour, minute))}&timezone=Europe/Berlin"


def starts(page: Page) -> list[str]:
    """The times that a page offers, in UTC."""
    return [match[1] for href, _ in page.links if (match := re.search(r"start=([^&]+)", href))]


def bookings() -> int:
    session().rollback()
    return session().scalar(select(func.count()).select_from(Booking)) or 0


# What can be booked


def test_an_organisation_shows_what_is_on_offer_and_nothing_else(guest: Visitor) -> None:
    host = member()
    shown = event_type(of=host, name="First talk")
    event_type(of=host, name="Old workshop", is_active=False)
    event_type(name="Of somebody else")
    page = guest.open(f"/book/{host.organization.slug}")
    assert page.link("First talk") == page_of(shown)
    assert "30 min" in page.words
    assert host.user.name in page.words
    assert "Room 1" in page.words
    assert "Old workshop" not in page.words
    assert "Of somebody else" not in page.words


def test_an_organisation_that_offers_nothing_says_so(guest: Visitor) -> None:
    assert "Nothing can be booked" in guest.open(f"/book/{organization().slug}").words


@pytest.mark.parametrize("path", ["/book/nobody", "/book/nobody/talk", "/book/%00", "/book/a%ff/b", "/book/UPPER/x"])
def test_what_is_not_there_is_not_found(guest: Visitor, path: str) -> None:
    assert "404" in guest.open(path, status=404).words


def test_an_event_type_that_is_switched_off_is_not_found(guest: Visitor) -> None:
    kind = event_type(is_active=False)
    guest.open(page_of(kind), status=404)
    guest.open(form_of(kind), status=404)


# Choosing


def test_the_first_day_with_a_free_time_is_shown_at_once(guest: Visitor) -> None:
    page = guest.open(page_of(event_type()))
    assert starts(page)
    assert "Europe/Berlin (UTC+0" in page.words


def test_days_and_months_and_zones_are_plain_links(guest: Visitor) -> None:
    kind = event_type()
    day = in_days(2)
    chosen = f"{page_of(kind)}?month={day:%Y-%m}&day={day}&timezone=Asia/Tokyo"
    page = guest.open(chosen)
    assert "Asia/Tokyo (UTC+09:00)" in page.words
    assert page.forms[0].method == "get"
    assert ("timezone", "Asia/Tokyo") in page.forms[0].fields
    assert all("timezone=Asia/Tokyo" in href for href, _ in page.links if "start=" in href)
    later = page.link("On to")
    assert "timezone=Asia/Tokyo" in later
    assert guest.open(later).link("Back to")


def test_times_are_shown_in_the_guests_zone(guest: Visitor) -> None:
    kind = event_type()
    day = in_days(2)
    page = guest.open(f"{page_of(kind)}?day={day}&timezone=Europe/Berlin", headers={"Accept-Language": "de-DE"})
    assert ("09:00" in page.words, "16:30" in page.words) == (True, True)
    page = guest.open(f"{page_of(kind)}?day={day}&timezone=Europe/London", headers={"Accept-Language": "en-GB"})
    assert ("08:00" in page.words, "15:30" in page.words) == (True, True)


def test_the_clock_counts_as_the_guest_is_used_to(guest: Visitor) -> None:
    address = f"{page_of(event_type())}?day={in_days(2)}"
    assert "4:30\N{NO-BREAK SPACE}PM" in guest.open(address, headers={"Accept-Language": "en-US"}).answer.text
    assert "16:30" in guest.open(address, headers={"Accept-Language": "en-GB"}).words
    assert "16:30" in guest.open(address, headers={"Accept-Language": "fr"}).words


@pytest.mark.parametrize(
    "query",
    [
        "month=2026-13&day=x&timezone=Mars/Olympus",
        "month=0001-01",
        "month=9999-12&day=9999-12-31",
        "day=2026-02-30",
        "month=%00&day=%F0%9F%98%80&timezone=" + "x" * 3000,
        "month=1900-01&timezone=localtime",
    ],
)
def test_an_address_that_makes_no_sense_still_shows_a_calendar(guest: Visitor, query: str) -> None:
    page = guest.open(f"{page_of(event_type())}?{query}")
    assert "Europe/Berlin" in page.words


def test_an_unknown_zone_is_named(guest: Visitor) -> None:
    assert "“Mars/Olympus” is not a time zone" in guest.open(f"{page_of(event_type())}?timezone=Mars/Olympus").words


def test_a_month_without_free_times_leads_to_the_next_one(guest: Visitor) -> None:
    host = member()
    hours = schedule(of=host)
    kind = event_type(of=host, on=hours, horizon_days=200)
    today = in_days(0)
    last = (today.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    closed = [date.fromordinal(number) for number in range(today.toordinal(), last.toordinal() + 1)]
    for day in closed:
        factories._kept(DateOverride(schedule_id=hours.id, day=day))
    page = guest.open(f"{page_of(kind)}?month={today:%Y-%m}")
    assert "No free times in" in page.words
    following = guest.open(page.link("Next free time"))
    assert starts(following)
    assert starts(guest.open(page_of(kind))) == starts(following)


def test_nothing_at_all_says_so(guest: Visitor) -> None:
    host = member()
    kind = event_type(of=host, on=schedule(of=host, days=range(0)))
    assert "Nothing later can be booked yet" in guest.open(page_of(kind)).words


def test_a_day_without_free_times_says_so(guest: Visitor) -> None:
    host = member()
    kind = event_type(of=host, on=schedule(of=host, days=range(1)), horizon_days=30)
    sunday = next(in_days(days) for days in range(1, 9) if in_days(days).weekday() == 6)
    assert "no free time left on this day" in guest.open(f"{page_of(kind)}?day={sunday}").words


def test_a_script_gets_the_picker_alone_and_no_cache_mixes_the_two_up(guest: Visitor) -> None:
    address = page_of(event_type())
    page = guest.open(address, headers={"X-Fragment": "picker"})
    assert "<html" not in page.answer.text
    assert 'id="picker"' in page.answer.text
    assert "X-Fragment" in page.answer.headers["Vary"]
    assert "no-cache" in page.answer.headers["Cache-Control"]


def test_the_pages_cost_as_many_queries_with_many_bookings_as_with_one(guest: Visitor) -> None:
    kind = event_type()
    address = f"{page_of(kind)}?day={in_days(2)}"

    def cost(path: str) -> int:
        with counted_queries() as statements:
            guest.open(path)
        return len(statements)

    booked(kind)
    few = cost(address), cost(f"/book/{kind.organization.slug}"), cost(form_of(kind, 15))
    for hour in (9, 11, 12, 13, 14):
        booked(kind, at(hour))
    assert (cost(address), cost(f"/book/{kind.organization.slug}"), cost(form_of(kind, 15))) == few
    assert max(few) <= 12


# The form


def test_a_guest_books(guest: Visitor) -> None:
    kind = event_type(questions=QUESTIONS)
    form = guest.open(form_of(kind)).form("/confirm")
    answer = guest.send(
        form,
        {
            "name": " Mara Okafor ",
            "email": "Mara@Example.org",
            "phone": "+49 30 1234567",
            "answers.topic": "Windows",
        },
    )
    booking = session().scalars(select(Booking)).one()
    assert (booking.guest_name, booking.guest_email, booking.guest_phone) == (
        "Mara Okafor",
        "Mara@example.org",
        "+49301234567",
    )
    assert (booking.starts_at, booking.guest_timezone, booking.answers) == (
        at(10),
        "Europe/Berlin",
        {"topic": "Windows"},
    )
    shown = guest.follow(answer)
    assert "You are booked in" in shown.words
    assert "Europe/Berlin (UTC+0" in shown.words


def test_the_form_says_what_when_where_and_with_whom(guest: Visitor) -> None:
    kind = event_type(name="Portrait")
    words = guest.open(form_of(kind), headers={"Accept-Language": "en-GB"}).words
    for expected in ("Portrait", "10:00 – 10:30", "Room 1", kind.host.name, "Europe/Berlin (UTC+0"):  # noqa: RUF001  # a dash
        assert expected in words


def test_the_form_keeps_what_was_typed_and_names_each_faulty_field(guest: Visitor) -> None:
    kind = event_type(questions=QUESTIONS)
    form = guest.open(form_of(kind)).form("/confirm")
    typed = {"name": "Mara", "email": "mara@", "phone": "12", "answers.notes": "two\r\nlines <b>"}
    page = guest.send(form, typed, status=422)
    again = dict(page.form("/confirm").fields)
    assert again["name"] == "Mara"
    assert again["email"] == "mara@"
    assert again["answers.notes"].splitlines() == ["two", "lines <b>"]
    assert again["start"] == start_value(at(10))
    assert "<b>" not in page.answer.text
    for label in ("email", "phone", "answers.topic"):
        assert f'href="#{label}"' in page.answer.text
        assert f'id="{label}-error"' in page.answer.text
        assert f"{label}-error" in re.search(rf'<(?:input|textarea)[^>]*id="{label}"[^>]*>', page.answer.text)[0]  # type: ignore[index]  # found, or it fails here
    assert bookings() == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "a" * 121),
        ("name", "x\ny"),
        ("email", ""),
        ("email", "a" * 300 + "@b.org"),
        ("phone", "0"),
    ],
)
def test_what_cannot_be_used_is_refused(guest: Visitor, field: str, value: str) -> None:
    form = guest.open(form_of(event_type())).form("/confirm")
    typed = {"name": "Mara", "email": "mara@example.org"} | {field: value}
    assert f'id="{field}-error"' in guest.send(form, typed, status=422).answer.text
    assert bookings() == 0


def test_a_double_click_books_once_and_shows_the_same_booking(guest: Visitor) -> None:
    form = guest.open(form_of(event_type())).form("/confirm")
    typed = {"name": "Mara", "email": "mara@example.org"}
    first, second = guest.send(form, typed), guest.send(form, typed)
    assert first.answer.headers["Location"] == second.answer.headers["Location"]
    assert bookings() == 1


def test_the_same_form_with_other_details_is_not_mistaken_for_a_double_click(guest: Visitor) -> None:
    form = guest.open(form_of(event_type())).form("/confirm")
    guest.send(form, {"name": "Mara", "email": "mara@example.org"})
    page = guest.send(form, {"name": "Mara", "email": "other@example.org"}, status=409)
    assert "This form was already sent" in page.words
    assert bookings() == 1


def test_a_form_without_its_token_is_refused_in_plain_words(guest: Visitor) -> None:
    form = guest.open(form_of(event_type())).form("/confirm")
    page = guest.send(form, {"csrf_token": None}, status=400)
    assert "This form has expired" in page.words


def test_a_form_works_over_https_where_the_referrer_counts(app: Flask) -> None:
    kind = event_type()
    guest = Visitor(app)
    guest.client.environ_base["wsgi.url_scheme"] = "https"
    form = guest.open(form_of(kind)).form("/confirm")
    guest.client.environ_base["HTTP_REFERER"] = "https://localhost/book"
    guest.send(form, {"name": "Mara", "email": "mara@example.org"})


def test_every_id_on_a_page_is_its_own(guest: Visitor) -> None:
    kind = event_type(questions=QUESTIONS)
    for address in (page_of(kind), form_of(kind), f"/book/{kind.organization.slug}"):
        ids = guest.open(address).ids
        assert len(ids) == len(set(ids))


def test_starts_survive_the_way_through_an_address() -> None:
    assert read_start(start_value(at(10))) == at(10)
    assert read_start("2026-11-24T10:00+01:00") == read_start("2026-11-24T09:00Z")
    assert at(10).tzinfo == BERLIN


def test_a_time_that_the_clocks_show_twice_is_told_apart_by_its_offset(app: Flask) -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    offers = [Offer(start, start + timedelta(minutes=30)) for start in (first, first + timedelta(hours=1))]
    with app.test_request_context(headers={"Accept-Language": "en-GB"}):
        labels = [slot.label for slot in label_slots(offers, BERLIN)]
    assert labels == ["02:30 (UTC+02:00)", "02:30 (UTC+01:00)"]


# How long it takes


def test_a_guest_chooses_a_length_and_keeps_it_to_the_end(guest: Visitor) -> None:
    kind = event_type(duration=30, other_durations=[60])
    page = guest.open(f"{page_of(kind)}?day={in_days(2)}")
    assert "30 min or 1 h" in page.words
    longer = guest.open(page.link("1 h"))
    assert starts(longer)[-1] == start_value(at(16))
    form = guest.open(next(href for href, _ in longer.links if f"start={start_value(at(10))}" in href))
    guest.send(form.form("/confirm"), {"name": "Ada", "email": "ada@example.com"})
    assert session().scalars(select(Booking)).one().minutes == 60


@pytest.mark.parametrize("wished", ["45", "x", "", "99999999999", "-60"])
def test_a_length_that_is_not_on_offer_is_the_usual_one(guest: Visitor, wished: str) -> None:
    kind = event_type(duration=30, other_durations=[60])
    assert len(starts(guest.open(f"{page_of(kind)}?day={in_days(2)}&duration={wished}"))) == 16


def test_with_one_length_there_is_nothing_to_choose(guest: Visitor) -> None:
    assert "length-" not in guest.open(page_of(event_type())).answer.text
