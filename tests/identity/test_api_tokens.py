"""Programs with a personal token."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from threading import Thread
from time import perf_counter
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text, update
from werkzeug.test import TestResponse

from tests.factories import member
from tests.identity.browser import Browser
from tests.identity.test_tokens import token_for
from webapp.core import clock
from webapp.core.db import db, session, transaction
from webapp.identity import access
from webapp.identity.errors import InsufficientScope
from webapp.identity.models import ApiToken, Membership, Role, Scope, User

ME = "/api/v1/me"


def ask(client: FlaskClient, secret: str, path: str = ME) -> TestResponse:
    return client.get(path, headers={"Authorization": f"Bearer {secret}"})


def change(model: type[Any], **values: Any) -> None:
    with transaction() as current:
        current.execute(update(model).values(**values))


def test_a_token_says_whom_it_speaks_for(client: FlaskClient) -> None:
    person = member(role=Role.ADMIN)
    _token, secret = token_for(person, scopes=[Scope.JOBS_READ, Scope.BOOKINGS_READ])
    answer = ask(client, secret)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json == {
        "user": {
            "id": str(person.user_id),
            "name": person.user.name,
            "email": person.user.email,
            "timezone": "Europe/Berlin",
            "locale": "",
        },
        "organization": {
            "id": str(person.organization_id),
            "slug": person.organization.slug,
            "name": person.organization.name,
            "timezone": "Europe/Berlin",
        },
        "role": "admin",
        "scopes": ["bookings:read", "jobs:read"],
    }


def refused(answer: TestResponse) -> bool:
    assert answer.status_code == 401
    assert answer.content_type == "application/problem+json"
    assert answer.json is not None
    assert answer.json["code"] == "unauthenticated"
    assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="Almanac"')
    return True


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Basic YTpi", "Token abc", "Bearer a b", "Digest x=y", "\x00", "é" * 10]
)
def test_whoever_brings_no_token_is_told_how(client: FlaskClient, header: str | None) -> None:
    assert refused(client.get(ME, headers={} if header is None else {"Authorization": header}))


@pytest.mark.parametrize("secret", ["alm_unknown", "alm_" + "x" * 43, "x" * 8000, "\xff\xfe"])
def test_an_unknown_token_is_refused(client: FlaskClient, secret: str) -> None:
    answer = ask(client, secret)
    assert refused(answer)
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_a_revoked_token_is_refused(client: FlaskClient) -> None:
    _token, secret = token_for(member())
    change(ApiToken, revoked_at=clock.now())
    assert refused(ask(client, secret))


def test_an_expired_token_is_refused_and_one_about_to_expire_is_not(client: FlaskClient) -> None:
    _token, secret = token_for(member())
    change(ApiToken, expires_at=clock.now() + timedelta(minutes=1))
    assert ask(client, secret).status_code == 200
    change(ApiToken, expires_at=clock.now())
    assert refused(ask(client, secret))


def test_the_token_of_somebody_inactive_is_refused(client: FlaskClient) -> None:
    _token, secret = token_for(member())
    change(User, is_active=False)
    assert refused(ask(client, secret))


def test_the_token_of_somebody_who_left_is_refused(client: FlaskClient) -> None:
    person = member()
    _token, secret = token_for(person)
    with transaction() as current:
        current.delete(person)
    assert refused(ask(client, secret))


def test_the_digest_that_the_database_holds_opens_nothing(client: FlaskClient) -> None:
    token, _secret = token_for(member())
    assert refused(ask(client, token.token_digest))


def test_a_session_cookie_is_no_token(browser: Browser) -> None:
    browser.sign_in(member())
    assert refused(browser.get(ME))


def test_a_token_is_no_session(browser: Browser) -> None:
    _token, secret = token_for(member())
    assert ask(browser.client, secret, "/account").status_code == 303


def test_the_wrong_method_is_a_problem_document(client: FlaskClient) -> None:
    answer = client.post(ME)
    assert answer.status_code == 405
    assert answer.json is not None
    assert answer.json["code"] == "method_not_allowed"


def test_a_demotion_takes_the_administrators_scopes_away(client: FlaskClient) -> None:
    _token, secret = token_for(member(role=Role.ADMIN), scopes=[Scope.JOBS_READ, Scope.BOOKINGS_READ])
    change(Membership, role=Role.MEMBER)
    answer = ask(client, secret)
    assert answer.json is not None
    assert (answer.json["role"], answer.json["scopes"]) == ("member", ["bookings:read"])


def enter(app: Flask, secret: str, *scopes: Scope) -> str:
    """Pass the guard of an endpoint that needs `scopes`."""
    endpoint = access.token_required(*scopes)(lambda: access.current_member().user.email)
    with app.test_request_context(ME, headers={"Authorization": f"Bearer {secret}"}):
        return endpoint()


def test_a_scope_that_the_token_has_is_enough(app: Flask) -> None:
    person = member()
    _token, secret = token_for(person, scopes=[Scope.BOOKINGS_READ, Scope.BOOKINGS_WRITE])
    assert enter(app, secret, Scope.BOOKINGS_READ) == person.user.email
    assert enter(app, secret, Scope.BOOKINGS_READ, Scope.BOOKINGS_WRITE) == person.user.email


def test_a_scope_that_the_token_lacks_is_named(app: Flask) -> None:
    _token, secret = token_for(member(), scopes=[Scope.BOOKINGS_READ])
    with pytest.raises(InsufficientScope, match="lacks the scope bookings:write;") as refusal:
        enter(app, secret, Scope.BOOKINGS_READ, Scope.BOOKINGS_WRITE)
    assert (refusal.value.status, refusal.value.code) == (403, "insufficient_scope")


def test_a_scope_beyond_its_holders_role_is_refused(app: Flask) -> None:
    _token, secret = token_for(member(role=Role.ADMIN), scopes=[Scope.JOBS_WRITE])
    change(Membership, role=Role.MEMBER)
    with pytest.raises(InsufficientScope):
        enter(app, secret, Scope.JOBS_WRITE)


def last_use() -> Any:
    return session().execute(text("SELECT last_used_at FROM api_token")).scalar_one()


def test_the_last_use_is_noted_once_a_minute_at_most(client: FlaskClient, statements: list[str]) -> None:
    _token, secret = token_for(member())
    ask(client, secret)
    first = last_use()
    assert clock.now() - first < timedelta(minutes=1)
    statements.clear()
    ask(client, secret)
    assert len(statements) == 1
    assert last_use() == first
    change(ApiToken, last_used_at=clock.now() - timedelta(seconds=61))
    ask(client, secret)
    assert last_use() > first


def test_a_refused_token_is_not_noted_as_used(client: FlaskClient) -> None:
    _token, secret = token_for(member())
    change(ApiToken, revoked_at=clock.now())
    ask(client, secret)
    assert last_use() is None


def test_noting_the_use_waits_for_nobody(client: FlaskClient) -> None:
    token, secret = token_for(member())
    session().rollback()
    with db.engine.connect() as twin:
        twin.execute(text("SELECT 1 FROM api_token WHERE id = :id FOR UPDATE"), {"id": token.id})
        started = perf_counter()
        assert ask(client, secret).status_code == 200
        assert perf_counter() - started < 2
    assert last_use() is None


def test_many_at_once_with_a_new_token_are_all_served(client: FlaskClient) -> None:
    _token, secret = token_for(member())
    session().rollback()
    answers: list[int] = []
    threads = [Thread(target=lambda: answers.append(ask(client, secret).status_code)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 8
    assert last_use() is not None


def test_a_token_is_used_only_so_often(client: FlaskClient, with_setting: Callable[[str, str], None]) -> None:
    with_setting("RATE_LIMIT_API", "2 per minute")
    person = member()
    _token, secret = token_for(person)
    _other, second = token_for(person)
    assert [ask(client, secret).status_code for _ in range(3)] == [200, 200, 429]
    answer = ask(client, secret)
    assert answer.json is not None
    assert answer.json["code"] == "rate_limited"
    assert ask(client, second).status_code == 200
