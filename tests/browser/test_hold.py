"""A guest fills in the form, takes their time, and leaves."""

from __future__ import annotations

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import func, select, update

from tests.browser.conftest import Visit
from tests.factories import event_type
from tests.scheduling.helpers import at
from webapp.core.db import session, transaction
from webapp.scheduling.models import EventType, Hold
from webapp.scheduling.views.picker import start_value


@pytest.fixture
def kind(app: Flask) -> EventType:
    return event_type(name="Portrait")


def address(kind: EventType) -> str:
    return f"/book/{kind.organization.slug}/{kind.slug}/confirm?start={start_value(at(10))}&timezone=Europe/Berlin"


def holds(page: Page, number: int) -> None:
    for _attempt in range(100):
        session().rollback()
        if session().scalar(select(func.count()).select_from(Hold)) == number:
            return
        page.wait_for_timeout(50)
    pytest.fail(f"there are not {number} holds")


def test_the_time_is_kept_while_the_form_is_open(visit: Visit, kind: EventType) -> None:
    page = visit(address(kind))
    expect(page.get_by_text("Kept for you for 4:")).to_be_visible()
    page.reload()
    expect(page.get_by_text("Kept for you for 4:")).to_be_visible()
    holds(page, 1)
    page.get_by_role("link", name="Choose another time").click()
    holds(page, 0)
    page.go_back()
    expect(page.get_by_text("Kept for you for 4:")).to_be_visible()
    holds(page, 1)
    page.get_by_label("Your name").fill("Mara Okafor")
    page.get_by_label("E-mail address").fill("mara@example.org")
    page.get_by_role("button", name="Book this time").click()
    expect(page.get_by_role("heading", name="You are booked in")).to_be_visible()
    holds(page, 0)


def test_it_says_when_the_time_is_no_longer_kept_and_can_be_kept_longer(visit: Visit, kind: EventType) -> None:
    page = visit("/book/" + kind.organization.slug)
    page.clock.install()
    page.goto(address(kind))
    expect(page.get_by_text("Kept for you for 4:")).to_be_visible()
    expect(page.get_by_role("button", name="Keep it longer")).to_be_hidden()
    page.clock.run_for(270_000)
    expect(page.get_by_role("status")).to_have_text("The time is kept for you for one more minute.")
    page.clock.run_for(60_000)
    expect(page.get_by_role("status")).to_contain_text("You can still book it")
    with transaction():
        session().execute(update(Hold).values(expires_at=func.now()))
    page.get_by_role("button", name="Keep it longer").click()
    expect(page.get_by_text("Kept for you for")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("")
    holds(page, 1)


def test_without_a_script_nothing_is_kept_and_the_form_books(visit: Visit, kind: EventType) -> None:
    page = visit(address(kind), java_script_enabled=False)
    expect(page.get_by_text("Kept for you for")).to_be_hidden()
    page.get_by_label("Your name").fill("Mara Okafor")
    page.get_by_label("E-mail address").fill("mara@example.org")
    holds(page, 0)
    page.get_by_role("button", name="Book this time").click()
    expect(page.get_by_role("heading", name="You are booked in")).to_be_visible()
