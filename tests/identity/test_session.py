"""What a session is worth from one request to the next."""

from __future__ import annotations

from datetime import timedelta

import psycopg
from flask import Flask
from sqlalchemy import event, text, update

from tests.factories import member, organization
from tests.identity.browser import Browser, text_of
from webapp.core import clock
from webapp.core.db import db, session, transaction
from webapp.core.settings import settings
from webapp.identity import service
from webapp.identity.models import Membership, User, UserSession


def test_a_stranger_is_sent_to_sign_in(browser: Browser) -> None:
    for page in ("/account", "/account/tokens"):
        answer = browser.get(page)
        assert (answer.status_code, answer.location) == (303, f"/sign-in?next={page}")
        assert answer.headers["Cache-Control"] == "no-store"


def test_a_form_sent_by_a_stranger_is_not_sent_again_after_sign_in(browser: Browser) -> None:
    answer = browser.submit("/sign-in", {"name": "x"}, to="/account")
    assert (answer.status_code, answer.location) == (303, "/sign-in")


def test_a_page_for_a_member_costs_one_query_for_knowing_them(browser: Browser, statements: list[str]) -> None:
    browser.sign_in(member())
    statements.clear()
    assert browser.is_signed_in()
    assert len(statements) == 1


def test_a_page_for_a_stranger_costs_none(browser: Browser, statements: list[str]) -> None:
    statements.clear()
    browser.get("/sign-in")
    assert statements == []


def test_a_session_ends_after_the_days_that_the_settings_say(browser: Browser) -> None:
    browser.sign_in(member())
    stored = session().execute(text("SELECT expires_at - created_at FROM user_session")).scalar_one()
    assert abs(stored - timedelta(days=settings().session_days)) < timedelta(minutes=1)
    with transaction() as current:
        current.execute(update(UserSession).values(expires_at=clock.now()))
    assert not browser.is_signed_in()


def test_a_person_who_was_made_inactive_is_out_at_once(browser: Browser) -> None:
    browser.sign_in(member())
    with transaction() as current:
        current.execute(update(User).values(is_active=False))
    assert not browser.is_signed_in()


def test_a_person_who_lost_their_membership_is_out_at_once(browser: Browser) -> None:
    person = member()
    browser.sign_in(person)
    with transaction() as current:
        current.delete(person)
    assert not browser.is_signed_in()


def test_a_session_stays_in_the_organisation_it_was_opened_in(browser: Browser) -> None:
    first = member(of=organization(name="First Studio"))
    browser.sign_in(first)
    second = organization(name="Second Studio")
    with transaction() as current:
        current.add(Membership(organization_id=second.id, user_id=first.user_id, role=first.role))
    assert "First Studio" in text_of(browser.get("/account"))
    with transaction() as current:
        current.delete(first)
    assert not browser.is_signed_in()


def test_a_cookie_that_was_tampered_with_is_a_strangers(browser: Browser) -> None:
    browser.sign_in(member())
    browser.client.set_cookie("session", browser.cookie()[:-4] + "AAAA")
    assert not browser.is_signed_in()


def test_an_unknown_token_finds_nobody(app: Flask) -> None:
    for token in ("", "nothing", "\0", "x" * 100_000):
        assert service.find_session(token=token) is None


def test_pages_of_members_are_never_kept_by_a_cache(browser: Browser) -> None:
    browser.sign_in(member())
    for page in ("/account", "/account/tokens"):
        assert browser.get(page).headers["Cache-Control"] == "no-store"


def test_a_database_that_is_away_is_a_page_that_says_so(browser: Browser, app: Flask) -> None:
    browser.sign_in(member())
    session().rollback()

    def refuse(*_arguments: object) -> None:
        raise psycopg.OperationalError("connection refused")

    event.listen(db.engine, "do_connect", refuse)
    db.engine.dispose()
    try:
        answer = browser.get("/account")
    finally:
        event.remove(db.engine, "do_connect", refuse)
    assert answer.status_code == 503
    assert "Please try again in a few seconds." in text_of(answer)
    assert browser.is_signed_in()
