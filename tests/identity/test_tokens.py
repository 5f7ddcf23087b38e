"""The page of personal tokens."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from tests.factories import member
from tests.identity.browser import Browser, text_of
from webapp.core import clock, crypto
from webapp.core.db import session, transaction
from webapp.identity import service
from webapp.identity.errors import InvalidName, UnfitExpiry, UnfitScopes
from webapp.identity.models import ApiToken, Membership, Role, Scope
from webapp.web.times import day_text

PAGE = "/account/tokens"


def create(browser: Browser, **fields: Any) -> TestResponse:
    return browser.submit(PAGE, {"name": "Website", "scopes": ["bookings:read"]} | fields)


def secret_on(answer: TestResponse) -> str:
    match = re.search(r'<code id="secret">([^<]+)</code>', answer.text)
    assert match
    return match[1]


def stored() -> ApiToken:
    return session().scalars(select(ApiToken).execution_options(populate_existing=True)).one()


def token_for(person: Membership, **changes: Any) -> tuple[ApiToken, str]:
    with transaction():
        return service.create_api_token(
            membership=person, **({"name": "Website", "scopes": [Scope.BOOKINGS_READ]} | changes)
        )


def test_a_token_is_shown_once_and_stored_as_a_digest(browser: Browser) -> None:
    person = member()
    browser.sign_in(person)
    answer = create(browser, scopes=["bookings:read", "event_types:read"])
    secret = secret_on(answer)
    token = stored()
    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store"
    assert re.fullmatch(r"alm_[\w-]{43}", secret)
    assert token.token_digest == crypto.digest(secret)
    assert (token.prefix, token.scopes) == (secret[:12], ["bookings:read", "event_types:read"])
    assert (token.organization_id, token.user_id) == (person.organization_id, person.user_id)
    assert token.expires_at is None
    listed = browser.get(PAGE)
    assert secret not in listed.text
    assert f"{secret[:12]}…" in listed.text
    assert "Read bookings, Read event types" in text_of(listed)
    assert "Never used." in text_of(listed)


def test_no_column_of_the_database_holds_the_secret(app: Flask) -> None:
    _token, secret = token_for(member())
    columns = session().execute(select(ApiToken.__table__)).one()
    assert secret not in " ".join(map(str, columns))


def test_a_token_ends_with_its_last_day_in_the_persons_zone(browser: Browser) -> None:
    browser.sign_in(member(timezone="Pacific/Auckland"))
    day = clock.now().astimezone(ZoneInfo("Pacific/Auckland")).date() + timedelta(days=30)
    assert create(browser, expires_on=day.isoformat()).status_code == 201
    ends = stored().expires_at
    assert ends is not None
    assert ends.astimezone(ZoneInfo("Pacific/Auckland")).date() == day + timedelta(days=1)
    assert ends.astimezone(ZoneInfo("Pacific/Auckland")).time().isoformat() == "00:00:00"
    assert f"Last day: {day_text(day, style='medium')}." in text_of(browser.get(PAGE))


def test_a_token_may_end_today(browser: Browser) -> None:
    browser.sign_in(member(timezone="UTC"))
    assert create(browser, expires_on=datetime.now(UTC).date().isoformat()).status_code == 201


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": ""}, "Give it a name that says where you will use it."),
        ({"name": "x" * 81}, "Give a name of 1 to 80 characters"),
        ({"name": "a\0b"}, "Give a name of 1 to 80 characters"),
        ({"scopes": []}, "Choose at least one thing that the token may do"),
        ({"scopes": ["everything"]}, "Invalid choice"),
        ({"expires_on": "2001-01-01"}, "Choose a last day from today on, at most ten years ahead."),
        ({"expires_on": "2999-01-01"}, "Choose a last day from today on, at most ten years ahead."),
        ({"expires_on": "9999-12-31"}, "Choose a last day from today on, at most ten years ahead."),
        ({"expires_on": "0001-01-01"}, "Choose a last day from today on, at most ten years ahead."),
        ({"expires_on": "soon"}, "Not a valid date value."),
    ],
)
def test_a_token_that_makes_no_sense_is_refused_by_name(browser: Browser, fields: dict[str, Any], message: str) -> None:
    browser.sign_in(member())
    answer = create(browser, **fields)
    assert answer.status_code == 422
    assert message in text_of(answer)
    assert session().scalars(select(ApiToken)).all() == []


def test_what_was_typed_is_kept_when_something_is_wrong(browser: Browser) -> None:
    browser.sign_in(member())
    answer = create(browser, name="My shop", scopes=["bookings:write"], expires_on="2001-01-01")
    assert 'value="My shop"' in answer.text
    assert re.search(r'value="bookings:write"\s+checked', answer.text)
    assert 'value="2001-01-01"' in answer.text


def test_a_member_is_not_offered_what_only_administrators_may_give(browser: Browser) -> None:
    browser.sign_in(member(role=Role.MEMBER))
    assert "jobs:" not in browser.get(PAGE).text
    assert create(browser, scopes=["jobs:read"]).status_code == 422


def test_an_administrator_may_give_every_scope(browser: Browser) -> None:
    browser.sign_in(member(role=Role.ADMIN))
    assert create(browser, scopes=[scope.value for scope in Scope]).status_code == 201


def test_a_revoked_token_is_gone_from_the_list(browser: Browser) -> None:
    person = member()
    token, secret = token_for(person, name="Old shop")
    browser.sign_in(person)
    answer = browser.submit(PAGE, {}, to=f"{PAGE}/{token.id}/revoke")
    assert (answer.status_code, answer.location) == (303, PAGE)
    assert "The token “Old shop” is revoked" in text_of(browser.get(PAGE))
    assert "No tokens yet" in text_of(browser.get(PAGE))
    assert stored().revoked_at is not None
    assert service.find_bearer(secret=secret) is None


def test_revoking_twice_is_told_apart(browser: Browser) -> None:
    person = member()
    token, _secret = token_for(person)
    browser.sign_in(person)
    for expected in (303, 404):
        assert browser.submit(PAGE, {}, to=f"{PAGE}/{token.id}/revoke").status_code == expected


def test_only_its_holder_sees_and_revokes_a_token(browser: Browser) -> None:
    holder = member()
    token, secret = token_for(holder, name="Not yours")
    colleague, outsider = member(of=holder.organization), member()
    for other in (colleague, outsider):
        browser.client.delete_cookie("session")
        browser.sign_in(other)
        assert "Not yours" not in browser.get(PAGE).text
        assert browser.submit(PAGE, {}, to=f"{PAGE}/{token.id}/revoke").status_code == 404
    assert service.find_bearer(secret=secret) is not None


def test_a_token_of_ones_other_organisation_is_not_touched_from_here(browser: Browser) -> None:
    elsewhere = member()
    token, _secret = token_for(elsewhere, name="Elsewhere")
    here = member()
    with transaction() as current:
        current.add(Membership(organization_id=here.organization_id, user_id=elsewhere.user_id, role=Role.ADMIN))
        current.delete(here)
    with transaction():
        other_place = (
            session().scalars(select(Membership).where(Membership.organization_id == here.organization_id)).one()
        )
        cookie = service.open_session(membership=other_place, user_agent="", ip_address="")
    with browser.client.session_transaction() as held:
        held["token"] = cookie
    assert browser.get(PAGE).status_code == 200
    assert "Elsewhere" not in browser.get(PAGE).text
    assert browser.submit(PAGE, {}, to=f"{PAGE}/{token.id}/revoke").status_code == 404


def test_an_unknown_token_cannot_be_revoked(browser: Browser) -> None:
    browser.sign_in(member())
    assert browser.submit(PAGE, {}, to=f"{PAGE}/{uuid4()}/revoke").status_code == 404
    assert browser.submit(PAGE, {}, to=f"{PAGE}/no-uuid/revoke").status_code == 404


def test_nothing_is_made_or_revoked_by_a_link_or_without_the_csrf_token(browser: Browser) -> None:
    person = member()
    token, secret = token_for(person)
    browser.sign_in(person)
    assert browser.get(f"{PAGE}/{token.id}/revoke").status_code == 405
    assert browser.client.post(f"{PAGE}/{token.id}/revoke").status_code == 400
    assert browser.client.post(PAGE, data={"name": "x", "scopes": "bookings:read"}).status_code == 400
    assert service.find_bearer(secret=secret) is not None
    assert len(session().scalars(select(ApiToken)).all()) == 1


def test_an_expired_token_is_marked_in_the_list(browser: Browser) -> None:
    person = member()
    token, _secret = token_for(person)
    with transaction():
        token.expires_at = clock.now() - timedelta(hours=1)
    browser.sign_in(person)
    assert "Expired" in text_of(browser.get(PAGE))


def test_the_list_costs_the_same_number_of_queries_however_long(browser: Browser, statements: list[str]) -> None:
    person = member()
    browser.sign_in(person)
    counts = []
    for more in (1, 20):
        for number in range(more):
            token_for(person, name=f"Token {number}")
        statements.clear()
        browser.get(PAGE)
        counts.append(len(statements))
    assert counts == [2, 2]


def test_the_service_keeps_the_rules_itself(app: Flask) -> None:
    person = member(role=Role.MEMBER)
    good: dict[str, Any] = {"membership": person, "name": "x", "scopes": [Scope.BOOKINGS_READ]}
    with pytest.raises(UnfitScopes):
        service.create_api_token(**good | {"scopes": [Scope.BOOKINGS_READ, Scope.JOBS_READ]})
    with pytest.raises(UnfitExpiry):
        service.create_api_token(**good | {"expires_at": clock.now()})
    with pytest.raises(InvalidName):
        service.create_api_token(**good | {"name": " "})
