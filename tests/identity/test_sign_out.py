"""Signing out."""

from __future__ import annotations

from sqlalchemy import func, select

from tests.factories import member
from tests.identity.browser import Browser, text_of
from webapp.core.db import session
from webapp.identity.models import UserSession


def test_signing_out_ends_the_session_for_good(browser: Browser, other_browser: Browser) -> None:
    browser.sign_in(member())
    stolen = browser.cookie()
    answer = browser.submit("/account", {}, to="/sign-out")
    assert (answer.status_code, answer.location) == (303, "/sign-in")
    assert "You are signed out." in text_of(browser.get("/sign-in"))
    assert not browser.is_signed_in()
    other_browser.client.set_cookie("session", stolen)
    assert not other_browser.is_signed_in()
    assert session().scalar(select(func.count()).select_from(UserSession)) == 0


def test_signing_out_leaves_other_browsers_alone(browser: Browser, other_browser: Browser) -> None:
    person = member()
    browser.sign_in(person)
    other_browser.sign_in(person)
    browser.submit("/account", {}, to="/sign-out")
    assert other_browser.is_signed_in()


def test_a_stranger_may_sign_out_too(browser: Browser) -> None:
    assert browser.submit("/sign-in", {}, to="/sign-out").status_code == 303


def test_a_link_cannot_sign_anybody_out(browser: Browser) -> None:
    browser.sign_in(member())
    assert browser.get("/sign-out").status_code == 405
    assert browser.client.post("/sign-out").status_code == 400
    assert browser.is_signed_in()
