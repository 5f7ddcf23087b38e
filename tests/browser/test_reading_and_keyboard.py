"""Guests' pages read aloud and used by keyboard: headings in order, the focus in sight, a zone found by typing."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.factories import event_type, member
from tests.scheduling.helpers import at, booked, in_days
from tests.scheduling.waiting import tokens_of_a_line
from webapp.scheduling.models import EventType
from webapp.scheduling.service.booking import manage_token
from webapp.scheduling.views.picker import start_value

HEADINGS = "() => [...document.querySelectorAll('h1, h2, h3, h4')].map((heading) => Number(heading.tagName[1]))"
# True when the focused element, or the label that stands for it, shows that it is.
SEEN = """() => {
  const element = document.activeElement;
  if (element === document.body) return true;
  const style = (one) => (one ? getComputedStyle(one) : { outlineStyle: 'none' });
  const shown = (one) => style(one).outlineStyle !== 'none' && style(one).outlineWidth !== '0px';
  return shown(element) || shown(element.nextElementSibling) || element.tabIndex < 0;
}"""


@pytest.fixture
def kind(app: Flask) -> EventType:
    return event_type(of=member(), name="Portrait", waitlist_enabled=True)


def _addresses(kind: EventType) -> list[str]:
    public = f"/book/{kind.organization.slug}"
    taken, line = manage_token(booked(kind, at(10))), tokens_of_a_line(kind, at(11))
    return [
        public,
        f"{public}/{kind.slug}?day={in_days(2)}",
        f"{public}/{kind.slug}/confirm?start={start_value(at(12))}",
        f"{public}/{kind.slug}/confirm?start={start_value(at(10))}",
        f"/manage/{taken}?new=1",
        f"/manage/{taken}/cancel",
        f"{public}/{kind.slug}/waitlist?start={start_value(at(10))}",
        *(f"/waitlist/{token}" for token in line),
    ]


def test_headings_are_in_order_and_the_focus_is_in_sight(visit: Visit, kind: EventType) -> None:
    page = visit("/sign-in")
    wrong: dict[str, object] = {}
    for address in _addresses(kind):
        page.goto(address)
        levels = page.evaluate(HEADINGS)
        if levels[0] != 1 or any(after > before + 1 for before, after in pairwise(levels)):
            wrong[address] = levels
        if unseen := _unseen(page):
            wrong[f"{address} by Tab"] = unseen
    assert wrong == {}


def _unseen(page: Page) -> list[str]:
    unseen = []
    for _stop in range(14):
        page.keyboard.press("Tab")
        if not page.evaluate(SEEN):
            unseen.append(str(page.evaluate("document.activeElement.outerHTML.slice(0, 120)")))
    return unseen


def test_a_zone_is_found_by_typing(visit: Visit, kind: EventType) -> None:
    page = visit(f"/book/{kind.organization.slug}/{kind.slug}?day={in_days(2)}&timezone=Europe/Berlin")
    zone = page.get_by_role("combobox", name="Times are shown in")
    expect(zone).to_have_value(re.compile("Europe/Berlin"))
    zone.click()
    expect(page.get_by_role("option", selected=True)).to_be_in_viewport()
    zone.fill("sao paulo")
    expect(page.get_by_role("option")).to_have_count(1)
    expect(zone).to_have_attribute("aria-expanded", "true")
    expect(zone).to_have_attribute("aria-activedescendant", "timezone-list-0")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("timezone=America%2FSao_Paulo"))
    expect(page.get_by_role("combobox")).to_be_focused()
    expect(page.locator("#picker-status")).to_contain_text("America/Sao Paulo")


def test_what_is_typed_and_not_chosen_changes_nothing(visit: Visit, kind: EventType) -> None:
    page = visit(f"/book/{kind.organization.slug}/{kind.slug}?day={in_days(2)}&timezone=Europe/Berlin")
    zone = page.get_by_role("combobox")
    before = zone.input_value()
    zone.fill("atlantis")
    expect(page.get_by_text("No time zone matches.")).to_be_visible()
    page.keyboard.press("Escape")
    expect(zone).to_have_value(before)
    zone.fill("UTC+09:00")
    assert page.get_by_role("option", name="Asia/Tokyo").count() == 1
    page.keyboard.press("Tab")
    expect(zone).to_have_value(before)
    expect(page.get_by_role("option")).to_have_count(0)
