"""Signing in."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import process_time

import pytest
from sqlalchemy import select

from tests.factories import PASSWORD, member
from tests.identity.browser import SIGN_IN, Browser, text_of
from webapp import create_app
from webapp.core import crypto
from webapp.core.db import session, transaction
from webapp.core.settings import SettingsError, load_settings
from webapp.identity import service
from webapp.identity.access import safe_next
from webapp.identity.errors import WrongCredentials
from webapp.identity.models import User, UserSession

WRONG = "The e-mail address or the password is not right."


def sessions() -> list[UserSession]:
    return list(session().scalars(select(UserSession)))


def test_the_right_password_opens_the_door(browser: Browser) -> None:
    person = member()
    answer = browser.sign_in(person)
    assert (answer.status_code, answer.location) == (303, "/app")
    assert person.user.name in browser.get("/account").text


def test_the_address_may_be_typed_in_capitals_and_with_spaces_around(browser: Browser) -> None:
    person = member()
    answer = browser.submit(SIGN_IN, {"email": f"  {person.user.email.upper()} ", "password": PASSWORD})
    assert answer.status_code == 303


def test_a_password_typed_on_another_system_composes_its_letters_otherwise(app: object) -> None:
    person = member(password_hash=service.hash_password("Z\u00fcrich und G\u00f6teborg"))
    assert service.authenticate(email=person.user.email, password="Zu\u0308rich und Go\u0308teborg") == person


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(browser: Browser) -> None:
    person = member()
    wrong = browser.submit(SIGN_IN, {"email": person.user.email, "password": "not that one at all"})
    unknown = browser.submit(SIGN_IN, {"email": "nobody@example.com", "password": "not that one at all"})
    assert wrong.status_code == unknown.status_code == 422
    assert WRONG in text_of(wrong)
    assert text_of(wrong) == text_of(unknown)
    assert not browser.is_signed_in()
    assert sessions() == []


def test_a_wrong_password_keeps_the_address_typed_and_not_the_password(browser: Browser) -> None:
    answer = browser.submit(SIGN_IN, {"email": "me@example.com", "password": "a secret of mine"})
    assert 'value="me@example.com"' in answer.text
    assert "a secret of mine" not in answer.text


@pytest.mark.parametrize(
    "email", ["nobody@example.com", "no address", "", "\0@example.com", "x" * 5000 + "@example.com"]
)
def test_an_unknown_address_costs_the_work_of_a_known_one(
    app: object, with_setting: Callable[[str, str], None], email: str
) -> None:
    with_setting("PASSWORD_MEMORY_MB", "64")  # as in production, so that it is the hashing that counts
    person = member(password_hash=service.hash_password(PASSWORD))
    known, unknown = [], []
    for _ in range(3):
        known.append(_work(person.user.email))
        unknown.append(_work(email))
    assert median(unknown) > 0.6 * median(known)


def _work(email: str) -> float:
    """Seconds of processor time that refusing a sign-in took, so that a busy machine does not matter."""
    started = process_time()
    with pytest.raises(WrongCredentials):
        service.authenticate(email=email, password="not that one at all")
    return process_time() - started


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"email": "", "password": "x"}, "Type your e-mail address."),
        ({"email": "a@example.com", "password": ""}, "Type your password."),
        ({}, "Type your password."),
    ],
)
def test_what_is_missing_is_named(browser: Browser, fields: dict[str, str], message: str) -> None:
    answer = browser.submit(SIGN_IN, fields)
    assert answer.status_code == 422
    assert message in text_of(answer)


@pytest.mark.parametrize("email", ["a\0b@example.com", "x" * 100_000, "\udcff@example.com", "@", "a@b@c"])
def test_nonsense_is_a_wrong_address_and_no_more(browser: Browser, email: str) -> None:
    answer = browser.submit(SIGN_IN, {"email": email.encode("utf-8", "replace"), "password": "x"})
    assert answer.status_code == 422


def test_a_body_that_is_no_form_is_refused(browser: Browser) -> None:
    answer = browser.client.post(SIGN_IN, json=["what"])
    assert answer.status_code == 400


def test_a_form_without_its_csrf_token_gets_a_page_that_says_so(browser: Browser) -> None:
    person = member()
    answer = browser.client.post(SIGN_IN, data={"email": person.user.email, "password": PASSWORD})
    assert answer.status_code == 400
    assert "This form has expired." in text_of(answer)
    assert sessions() == []


def test_only_get_and_post_are_understood(browser: Browser) -> None:
    assert browser.client.put(SIGN_IN).status_code in {400, 405}
    assert browser.client.delete(SIGN_IN).status_code in {400, 405}


def test_an_inactive_person_is_refused_like_a_wrong_password(browser: Browser) -> None:
    answer = browser.sign_in(member(is_active=False))
    assert answer.status_code == 422
    assert WRONG in text_of(answer)


def test_a_person_without_a_membership_is_refused(browser: Browser) -> None:
    person = member()
    with transaction() as current:
        current.delete(person)
    assert browser.sign_in(person).status_code == 422


def test_whoever_is_signed_in_goes_straight_on(browser: Browser) -> None:
    browser.sign_in(member())
    assert browser.get(f"{SIGN_IN}?next=/account").location == "/account"


def test_sign_in_leads_back_to_where_the_person_was_going(browser: Browser) -> None:
    wanted = browser.get("/account/tokens?page=2").location
    assert wanted == "/sign-in?next=/account/tokens%3Fpage%3D2"
    assert 'value="/account/tokens?page=2"' in browser.get(wanted).text
    answer = browser.sign_in(member(), next="/account/tokens?page=2")
    assert answer.location == "/account/tokens?page=2"


ELSEWHERE = [
    "https://evil.example",
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    " //evil.example",
    "javascript:alert(1)",
    "evil.example",
    "",
]


@pytest.mark.parametrize("target", ELSEWHERE)
def test_an_address_elsewhere_is_never_gone_to(browser: Browser, target: str) -> None:
    assert safe_next(target) == "/app"
    assert browser.sign_in(member(), next=target).location == "/app"


def test_signing_in_draws_a_new_session_and_ends_the_one_before(browser: Browser) -> None:
    person = member()
    browser.get(SIGN_IN)
    before = browser.cookie()
    browser.sign_in(person)
    first = browser.cookie()
    (stored,) = sessions()
    answer = browser.client.post(SIGN_IN, data=_form(browser, person))
    assert answer.status_code == 303
    (renewed,) = sessions()
    assert len({before, first, browser.cookie()}) == 3
    assert renewed.token_digest != stored.token_digest


def _form(browser: Browser, person: object) -> dict[str, str]:
    page = browser.get("/account").text
    email = person.user.email  # type: ignore[attr-defined]  # a Membership
    return {
        "csrf_token": page.split('name="csrf_token" value="')[1].split('"')[0],
        "email": email,
        "password": PASSWORD,
    }


def test_a_planted_cookie_is_worth_nothing_after_sign_in(browser: Browser, other_browser: Browser) -> None:
    browser.get(SIGN_IN)
    other_browser.client.set_cookie("session", browser.cookie())  # the attacker's cookie in the victim's browser
    other_browser.sign_in(member())
    assert not browser.is_signed_in()


def test_the_session_is_stored_as_a_digest_with_where_it_came_from(browser: Browser) -> None:
    person = member()
    browser.client.environ_base["HTTP_USER_AGENT"] = "Browser/1 " + "x" * 500
    browser.sign_in(person)
    (stored,) = sessions()
    with browser.client.session_transaction() as cookie:
        assert set(cookie) == {"_permanent", "token"}
        assert stored.token_digest == crypto.digest(cookie["token"])
    assert stored.user_id == person.user_id
    assert stored.user_agent.startswith("Browser/1 x")
    assert len(stored.user_agent) == 255
    assert stored.ip_address == "127.0.0.1"


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(browser: Browser) -> None:
    cookie = browser.sign_in(member()).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Expires=" in cookie


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_cookie_is_for_https_alone_where_the_site_is(scheme: str, with_setting: Callable[[str, str], None]) -> None:
    with_setting("PUBLIC_URL", f"{scheme}://almanac.test")
    cookie = create_app().test_client().get(SIGN_IN).headers["Set-Cookie"]
    assert ("; Secure" in cookie) == (scheme == "https")


def test_the_sign_in_page_is_never_kept_by_a_cache(browser: Browser) -> None:
    assert browser.get(SIGN_IN).headers["Cache-Control"] == "no-store"


def test_a_hash_made_with_older_parameters_is_renewed_at_sign_in(browser: Browser) -> None:
    from argon2 import PasswordHasher

    older = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    person = member(password_hash=older)
    assert browser.sign_in(person).status_code == 303
    renewed = session().scalar(select(User.password_hash).where(User.id == person.user_id))
    assert renewed
    assert renewed != older
    assert service.verify_password(PASSWORD, password_hash=renewed)


def test_production_does_not_hash_passwords_cheaply(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", "production")
    monkeypatch.setenv("PASSWORD_MEMORY_MB", "18")
    with pytest.raises(SettingsError, match="PASSWORD_MEMORY_MB must be at least 19 in production"):
        load_settings()


def test_a_damaged_hash_lets_nobody_in(browser: Browser) -> None:
    assert browser.sign_in(member(password_hash="not a hash")).status_code == 422


def test_one_address_is_tried_only_so_often_from_wherever(
    browser: Browser, with_setting: Callable[[str, str], None]
) -> None:
    with_setting("RATE_LIMIT_SIGN_IN", "3 per minute")
    person = member()
    answers = [_try_from(browser, f"10.0.0.{number}", person.user.email) for number in range(4)]
    assert answers == [422, 422, 422, 429]
    assert _try_from(browser, "10.0.0.9", person.user.email.upper()) == 429
    assert _try_from(browser, "10.0.0.9", "somebody-else@example.com") == 422


def test_one_machine_tries_only_so_often_whatever_the_address(
    browser: Browser, with_setting: Callable[[str, str], None]
) -> None:
    with_setting("RATE_LIMIT_SIGN_IN", "3 per minute")
    answers = [_try_from(browser, "10.0.0.1", f"person{number}@example.com") for number in range(4)]
    assert answers == [422, 422, 422, 429]
    assert _try_from(browser, "10.0.0.2", "person9@example.com") == 422


def test_whoever_is_refused_for_trying_too_often_is_told_when_to_come_back(
    browser: Browser, with_setting: Callable[[str, str], None]
) -> None:
    with_setting("RATE_LIMIT_SIGN_IN", "1 per minute")
    person = member()
    browser.sign_in(person, password="not that one at all")
    answer = browser.sign_in(person)
    assert answer.status_code == 429
    assert "Too many requests." in text_of(answer)
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert browser.get(SIGN_IN).status_code == 200


def _try_from(browser: Browser, address: str, email: str) -> int:
    browser.client.environ_base["REMOTE_ADDR"] = address
    return browser.submit(SIGN_IN, {"email": email, "password": "not that one at all"}).status_code
