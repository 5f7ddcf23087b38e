"""Guests at their browsers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import func, select, update

from tests.browser.conftest import Visit
from tests.factories import event_type
from tests.scheduling.helpers import at, booked, in_days
from webapp.core.db import session, transaction
from webapp.scheduling.models import Booking, EventType, Hold
from webapp.scheduling.service.booking import manage_token
from webapp.scheduling.views.picker import start_value

DAY = in_days(2)
ONE_DAY = timedelta(days=1)


@pytest.fixture
def kind(app: Flask) -> EventType:
    question = {"key": "topic", "label": "What about?", "required": True, "long": False}
    return event_type(name="Portrait", questions=[question])


def address(kind: EventType) -> str:
    return f"/book/{kind.organization.slug}/{kind.slug}"


def chosen(kind: EventType) -> str:
    return f"{address(kind)}?day={DAY}&timezone=Europe/Berlin"


def fill_in(page: Page) -> None:
    page.get_by_label("Your name").fill("Mara Okafor")
    page.get_by_label("E-mail address").fill("mara@example.org")
    page.get_by_label("What about?").fill("Windows")


def only_booking() -> Booking:
    session().rollback()
    return session().scalars(select(Booking).execution_options(populate_existing=True)).one()


def remember_page(page: Page) -> None:
    """Leave a mark that a reload would wipe out."""
    page.evaluate("window.stillHere = true")


def is_same_page(page: Page) -> bool:
    return bool(page.evaluate("window.stillHere === true"))


def test_a_guest_books_by_mouse(visit: Visit, kind: EventType) -> None:
    page = visit(f"/book/{kind.organization.slug}")
    page.get_by_role("link", name="Portrait").click()
    remember_page(page)
    expect(page.locator("[id^=day-]").first).to_be_visible()
    if page.locator(f"#day-{DAY}").count() == 0:  # this month has free times, and the day is in the next one
        page.get_by_role("link", name="On to").click()
    page.locator(f"#day-{DAY}").click()
    expect(page.locator(f"#day-{DAY}")).to_have_attribute("aria-current", "date")
    expect(page.locator("#picker-status")).to_contain_text("free times")
    assert is_same_page(page)
    assert f"day={DAY}" in page.url
    page.get_by_role("link", name="10:00").click()
    expect(page.get_by_text("10:00 – 10:30")).to_be_visible()  # noqa: RUF001  # a dash
    fill_in(page)
    page.get_by_role("button", name="Book this time").click()
    expect(page.get_by_role("heading", name="You are booked in")).to_be_visible()
    booking = only_booking()
    assert (booking.starts_at, booking.guest_timezone) == (at(10), "Europe/Berlin")


def test_a_guest_books_by_keyboard_alone(visit: Visit, kind: EventType) -> None:
    page = visit(chosen(kind))
    if (DAY + ONE_DAY).month != DAY.month:
        pytest.skip("the month ends here, so that there is no next day to go to")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.locator(f"#day-{DAY}").focus()
    page.keyboard.press("ArrowRight")
    focused = page.evaluate("document.activeElement.id")
    page.keyboard.press("Enter")
    expect(page.locator(f"#{focused}")).to_have_attribute("aria-current", "date")
    expect(page.locator(f"#{focused}")).to_be_focused()
    while not page.evaluate("document.activeElement.classList.contains('slot')"):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/confirm?**")
    while page.evaluate("document.activeElement.id") != "name":
        page.keyboard.press("Tab")
    for value in ("Mara Okafor", "mara@example.org", "", "Windows"):
        page.keyboard.type(value)
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="You are booked in")).to_be_visible()
    assert only_booking().starts_at == at(9, days=3)


def test_a_guest_books_without_javascript(visit: Visit, kind: EventType) -> None:
    page = visit(chosen(kind), java_script_enabled=False)
    page.get_by_label("Times are shown in").select_option("Asia/Tokyo")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("Asia/Tokyo (UTC+09:00)").first).to_be_attached()
    page.get_by_role("link", name="17:00").click()
    fill_in(page)
    page.get_by_role("button", name="Book this time").click()
    expect(page.get_by_role("heading", name="You are booked in")).to_be_visible()
    booking = only_booking()
    assert (booking.starts_at, booking.guest_timezone) == (at(9), "Asia/Tokyo")


def test_the_zone_is_guessed_and_can_be_changed_without_a_reload(visit: Visit, kind: EventType) -> None:
    page = visit(f"{address(kind)}?day={DAY}", timezone_id="Europe/London")
    expect(page.locator("#timezone")).to_have_value("Europe/London")
    expect(page.locator(".slot").first).to_have_text("08:00")
    remember_page(page)
    page.get_by_role("combobox", name="Times are shown in").fill("new york")
    page.keyboard.press("Enter")
    expect(page.locator(".slot").first).to_have_text("03:00")
    expect(page.get_by_role("combobox", name="Times are shown in")).to_be_focused()
    assert is_same_page(page)
    page.go_back()
    expect(page.locator(".slot").first).to_have_text("08:00")


def test_a_zone_named_in_the_address_is_not_second_guessed(visit: Visit, kind: EventType) -> None:
    page = visit(chosen(kind), timezone_id="Asia/Tokyo")
    expect(page.locator("#timezone")).to_have_value("Europe/Berlin")


def test_a_faulty_form_keeps_what_was_typed_and_leads_to_the_fault(visit: Visit, kind: EventType) -> None:
    page = visit(f"{address(kind)}/confirm?start={start_value(at(10))}&timezone=Europe/Berlin")
    fill_in(page)
    page.get_by_label("E-mail address").fill("mara@")
    page.get_by_role("button", name="Book this time").click()
    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    expect(page.get_by_label("Your name")).to_have_value("Mara Okafor")
    field = page.get_by_label("E-mail address")
    assert field.get_attribute("aria-invalid") == "true"
    summary.get_by_role("link", name="E-mail address").click()
    expect(field).to_be_focused()
    field.fill("mara@example.org")
    page.get_by_role("button", name="Book this time").click()
    expect(page.get_by_role("heading", name="You are booked in")).to_be_visible()


def test_a_double_click_books_once(visit: Visit, kind: EventType) -> None:
    page = visit(f"{address(kind)}/confirm?start={start_value(at(10))}&timezone=Europe/Berlin")
    fill_in(page)
    page.get_by_role("button", name="Book this time").dblclick()
    expect(page.get_by_role("heading", name="You are booked in")).to_be_visible()
    session().rollback()
    assert session().scalar(select(func.count()).select_from(Booking)) == 1


def test_a_time_taken_meanwhile_is_replaced_with_one_more_click(visit: Visit, kind: EventType) -> None:
    page = visit(f"{address(kind)}/confirm?start={start_value(at(10))}&timezone=Europe/Berlin")
    expect(page.get_by_text("Kept for you for 4:")).to_be_visible()
    fill_in(page)
    with transaction():
        session().execute(update(Hold).values(expires_at=func.now()))
    booked(_without_questions(kind), at(10))
    page.get_by_role("button", name="Book this time").click()
    expect(page.get_by_text("has just been taken")).to_be_visible()
    page.get_by_text("10:30", exact=True).click()
    page.get_by_role("button", name="Book this time").click()
    expect(page.get_by_role("heading", name="You are booked in")).to_be_visible()


def test_a_guest_moves_a_booking(visit: Visit, kind: EventType) -> None:
    booking = booked(_without_questions(kind), at(10))
    page = visit(f"/manage/{manage_token(booking)}")
    page.get_by_role("link", name="Move it").click()
    if in_days(0).month != DAY.month:
        page.goto(f"{page.url}?day={DAY}")
    page.locator(f"#day-{DAY}").click()
    expect(page.locator(f"#day-{DAY}")).to_have_attribute("aria-current", "date")
    page.get_by_role("link", name="14:00").click()
    page.get_by_role("button", name="Move it").click()
    expect(page.get_by_role("status")).to_contain_text("has been moved")
    assert only_booking().starts_at == at(14)


def test_a_guest_cancels_a_booking(visit: Visit, kind: EventType) -> None:
    booking = booked(_without_questions(kind), at(10))
    page = visit(f"/manage/{manage_token(booking)}")
    page.get_by_role("link", name="Cancel it").click()
    page.get_by_label("Reason").fill("I fell ill")
    page.get_by_role("button", name="Cancel the booking").click()
    expect(page.get_by_role("heading", name="This booking was cancelled")).to_be_visible()
    expect(page.get_by_role("link", name="Book again")).to_be_visible()


def _without_questions(kind: EventType) -> EventType:
    """Another event type of the same host, whose bookings stand in each other's way."""
    return event_type(organization_id=kind.organization_id, host_id=kind.host_id, schedule_id=kind.schedule_id)


def test_how_many_meetings_is_asked_only_of_who_repeats_them(visit: Visit) -> None:
    series = event_type(name="Lessons", series_most=6)
    page = visit(f"{address(series)}/confirm?start={start_value(at(10))}&timezone=Europe/Berlin")
    count, hint = page.get_by_label("How many meetings in all"), page.get_by_text("A repeated meeting begins")
    expect(count).to_be_hidden()
    expect(hint).to_be_hidden()
    page.get_by_label("Repeat it").select_option(label="Every week")
    expect(count).to_be_visible()
    expect(hint).to_be_visible()


@pytest.mark.parametrize("width", [320, 1280])
def test_what_a_guest_is_told_stands_above_the_choice(app: Flask, visit: Visit, width: int) -> None:
    address = f"/manage/{manage_token(booked(event_type()))}/reschedule?start={start_value(at(10))}"
    page = visit(address, viewport={"width": width, "height": 800})
    expect(page.get_by_text("already at this time")).to_be_visible()
    told, choice = (page.locator(part).bounding_box() for part in (".flashes", ".booking"))
    assert told
    assert choice
    assert told["y"] + told["height"] <= choice["y"]
    assert told["width"] == choice["width"]
