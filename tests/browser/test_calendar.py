"""A host's calendar in a real browser: by keyboard, and each minute at its height."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit, sign_in
from tests.factories import booking, event_type, member
from tests.scheduling.helpers import at, in_days


def _height_of(page: Page, name: str) -> tuple[float, float]:
    box = page.locator(".entry", has_text=name).bounding_box()
    assert box
    return box["y"], box["height"]


def test_the_keyboard_goes_through_time_and_views(visit: Visit) -> None:
    page = visit("/sign-in")
    sign_in(page, member())
    page.goto(f"/app/calendar?day={in_days(0)}")
    heading = page.get_by_role("heading", level=1)
    this_week = heading.inner_text()
    page.keyboard.press("ArrowRight")
    expect(heading).not_to_have_text(this_week)
    page.keyboard.press("t")
    expect(heading).to_have_text(this_week)
    page.keyboard.press("m")
    expect(page.get_by_role("link", name="Month")).to_have_attribute("aria-current", "true")
    page.keyboard.press("d")
    expect(page.locator(".calendar__day")).to_have_count(1)


def test_a_meeting_is_drawn_where_and_as_long_as_it_is(visit: Visit) -> None:
    host = member()
    kind = event_type(of=host)
    booking(of=kind, start=at(9), minutes=60, guest_name="First")
    booking(of=kind, start=at(11), minutes=120, guest_name="Second")
    page = visit("/sign-in", viewport={"width": 1280, "height": 900})
    sign_in(page, host)
    page.goto(f"/app/calendar?view=day&day={in_days(2)}")
    (first, one_hour), (second, two_hours) = _height_of(page, "First"), _height_of(page, "Second")
    hour = (second - first) / 2
    assert abs(one_hour - (hour - 2)) < 1
    assert abs(two_hours - (2 * hour - 2)) < 1
    page.locator(".entry", has_text="Second").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Second")


def test_the_host_picker_works_without_its_button_and_without_scripts(visit: Visit) -> None:
    host = member()
    other = member(of=host.organization, name="Zoe Other")
    booking(of=event_type(of=other), start=at(9), guest_name="Theirs")
    for scripted in (True, False):
        page = visit("/sign-in", java_script_enabled=scripted)
        sign_in(page, host)
        page.goto(f"/app/calendar?day={in_days(2)}")
        page.get_by_label("Whose calendar").select_option(label="Zoe Other")
        if not scripted:
            page.get_by_role("button", name="Show", exact=True).click()
        expect(page.get_by_role("link", name="Theirs")).to_be_visible()


def test_an_hour_by_the_12_hour_clock_is_one_line_within_its_column(visit: Visit) -> None:
    page = visit("/app/calendar?hours=all", locale="en-US")
    sign_in(page, member())
    hours = page.locator(".calendar__hours")
    expect(hours.get_by_text("11:00 AM")).to_be_visible()
    spills = """(column) => [...column.children].filter((hour) => {
      const box = hour.getBoundingClientRect();
      return hour.getClientRects().length > 1 || box.height > 20 || box.left < column.getBoundingClientRect().left;
    }).map((hour) => hour.textContent)"""
    assert hours.evaluate(spills) == []
