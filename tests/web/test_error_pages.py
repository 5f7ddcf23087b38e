"""What people read when something cannot be had, and where they can go from there."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import update

from tests.factories import event_type, member
from tests.scheduling.helpers import booked
from tests.scheduling.pages import Visitor
from webapp.core import clock
from webapp.core.db import session, transaction
from webapp.scheduling.models import BookingLink
from webapp.scheduling.service.booking import manage_token
from webapp.scheduling.service.links import create_link

GO_BACK = "what you typed should still be there"
FRESH_LINK = "can send a fresh one"


@pytest.fixture
def guest(app: Flask) -> Visitor:
    return Visitor(app)


@pytest.mark.parametrize("kind", ["manage", "waitlist"])
def test_a_link_that_opens_nothing_is_short_and_advises_once(guest: Visitor, kind: str) -> None:
    page = guest.open(f"/{kind}/{'x' * 32}", status=404)
    assert "under this link.</h1>" in page.answer.text
    assert "copied whole" in page.words
    assert FRESH_LINK not in page.words
    assert GO_BACK not in page.words


def test_an_address_that_is_none_may_be_an_old_link(guest: Visitor) -> None:
    assert FRESH_LINK in guest.open("/no/such/page", status=404).words


def test_only_who_typed_something_is_told_where_it_still_is(guest: Visitor) -> None:
    kind = event_type()
    assert GO_BACK not in guest.open(f"/manage/{manage_token(booked(kind))}/check-in", status=405).words
    answer = guest.client.post(f"/book/{kind.organization.slug}")
    assert answer.status_code == 405
    assert GO_BACK in answer.text


def test_a_link_that_has_expired_says_so_and_nothing_else(guest: Visitor) -> None:
    kind = event_type(is_secret=True)
    with transaction():
        link = create_link(event_type=kind, created_by=kind.host_id)
        session().flush()
        session().execute(update(BookingLink).values(expires_at=clock.now() - timedelta(days=1)))
    page = guest.open(f"/book/{kind.organization.slug}/{kind.slug}?link={link.token}", status=410)
    assert "This link has expired.</h1>" in page.answer.text
    assert "ask whoever sent it" in page.words
    assert GO_BACK not in page.words
    assert FRESH_LINK not in page.words


def test_who_looks_for_what_is_not_on_offer_finds_what_is(guest: Visitor) -> None:
    kind = event_type()
    public = f"/book/{kind.organization.slug}"
    page = guest.open(f"{public}/nothing", status=404)
    assert page.link("See what can be booked") == public
    for elsewhere in ("/book/nobody/nothing", f"/embed/{kind.organization.slug}/nothing"):
        assert "See what can be booked" not in guest.open(elsewhere, status=404).words


def test_members_keep_their_way_around(app: Flask, guest: Visitor) -> None:
    host = member()
    page = Visitor(app).sign_in(host).open("/app/nowhere", status=404)
    assert page.link("Calendar") == "/app/calendar"
    assert page.link("Back to Today") == "/app"
    assert "Back to Today" not in guest.open("/app/nowhere", status=404).words
