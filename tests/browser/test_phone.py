"""What must fit a phone, and be seen there without looking for it."""

from __future__ import annotations

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit, sign_in
from tests.factories import event_type, member, schedule
from tests.scheduling.helpers import booked, in_days
from webapp.core.db import transaction
from webapp.identity.models import Membership
from webapp.scheduling.service.blocks import RecurringDetails, block_recurring

PHONE = {"width": 320, "height": 640}

# How far the piece of a row of links that says where one is sticks out of the row, in pixels.
STICKS_OUT = """(row) => {
  const [outer, inner] = [row, row.querySelector('[aria-current]')].map((element) => element.getBoundingClientRect());
  return Math.max(0, outer.left - inner.left, inner.right - outer.right);
}"""


@pytest.fixture
def host(app: Flask) -> Membership:
    return member(name="Ada Lindqvist")


def width(page: Page, selector: str) -> float:
    box = page.locator(selector).bounding_box()
    assert box
    return box["width"]


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_where_one_is_can_be_seen_in_every_row_of_links(visit: Visit, host: Membership, direction: str) -> None:
    page = visit("/sign-in", viewport=PHONE)
    sign_in(page, host)
    turned = f"() => {{ document.documentElement.dir = '{direction}' }}"
    page.add_init_script(f"document.addEventListener('readystatechange', {turned})")  # before the page's own scripts
    page.goto("/app/availability/bookings")
    for row in (".sections", ".tabs"):
        assert page.locator(row).evaluate("(row) => row.scrollWidth > row.clientWidth"), row
        assert page.locator(row).evaluate(STICKS_OUT) == 0, row
    assert page.evaluate("scrollY") == 0


def test_a_block_that_recurs_has_room_for_its_words(visit: Visit, host: Membership) -> None:
    details = RecurringDetails(
        timezone="Europe/Berlin",
        first_day=in_days(1),
        start_minute=720,
        end_minute=780,
        rule="FREQ=DAILY",
        title="Lunch",
    )
    with transaction():
        block_recurring(organization_id=host.organization_id, host_id=host.user_id, details=details)
    page = visit("/app/availability/blocks", viewport=PHONE)
    sign_in(page, host)
    assert width(page, ".override:has-text('Lunch') > p") > 200


def test_hours_by_the_12_hour_clock_are_seen_whole(visit: Visit, host: Membership) -> None:
    event_type(of=host, on=schedule(of=host))
    page = visit("/app/availability", viewport=PHONE, locale="en-US")
    sign_in(page, host)
    fields = page.locator(".week .range__time")
    expect(fields.first).to_be_visible()
    needed = "(field) => { field.style.width = 'max-content'; return field.offsetWidth }"
    for field in fields.all():
        given = field.evaluate("(field) => field.offsetWidth")
        assert given >= field.evaluate(needed)


def test_what_is_known_of_a_booking_has_the_whole_width(visit: Visit, host: Membership) -> None:
    booking = booked(event_type(of=host))
    page = visit(f"/app/bookings/{booking.id}", viewport=PHONE)
    sign_in(page, host)
    assert width(page, ".facts dd >> nth=0") == width(page, ".facts")
