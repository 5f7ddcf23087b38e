"""One's name, zone and password."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.factories import PASSWORD, member
from tests.identity.browser import Browser, text_of
from webapp.core.db import session
from webapp.identity.models import User

NEW = "a rather better password"


def kept(user: User) -> User:
    session().refresh(user)
    return user


def test_a_new_name_and_zone_are_kept(browser: Browser) -> None:
    person = member()
    browser.sign_in(person)
    answer = browser.submit("/account", {"name": "  Ada   Lovelace ", "timezone": "America/New_York"})
    assert (answer.status_code, answer.location) == (303, "/account")
    assert "Your details are saved." in text_of(browser.get("/account"))
    assert (kept(person.user).name, person.user.timezone) == ("Ada Lovelace", "America/New_York")


def test_the_zone_of_old_is_offered_whatever_its_spelling(browser: Browser) -> None:
    browser.sign_in(member(timezone="Asia/Calcutta"))
    assert '<option selected value="Asia/Calcutta">' in browser.get("/account").text


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": "", "timezone": "Europe/Berlin"}, "Type your name."),
        ({"name": "   ", "timezone": "Europe/Berlin"}, "Give a name of 1 to 120 characters"),
        ({"name": "x" * 121, "timezone": "Europe/Berlin"}, "Give a name of 1 to 120 characters"),
        ({"name": "a\0b", "timezone": "Europe/Berlin"}, "Give a name of 1 to 120 characters"),
        ({"name": "a\N{RIGHT-TO-LEFT OVERRIDE}b", "timezone": "Europe/Berlin"}, "Give a name of 1 to 120 characters"),
        ({"name": "Ada", "timezone": "Mars/Olympus"}, "Not a valid choice"),
        ({"name": "Ada", "timezone": "../../etc/passwd"}, "Not a valid choice"),
        ({"name": "Ada"}, "Not a valid choice"),
    ],
)
def test_details_that_make_no_sense_are_named_and_nothing_is_kept(
    browser: Browser, fields: dict[str, str], message: str
) -> None:
    person = member(name="As it was")
    browser.sign_in(person)
    answer = browser.submit("/account", fields)
    assert answer.status_code == 422
    assert message in text_of(answer)
    assert (kept(person.user).name, person.user.timezone) == ("As it was", "Europe/Berlin")


def test_what_was_typed_is_kept_when_something_is_wrong(browser: Browser) -> None:
    browser.sign_in(member())
    answer = browser.submit("/account", {"name": "", "timezone": "America/New_York"})
    assert '<option selected value="America/New_York">' in answer.text


def test_a_name_is_text_and_no_markup(browser: Browser) -> None:
    browser.sign_in(member(name="<script>alert(1)</script>"))
    assert "<script>alert" not in browser.get("/account").text


def test_nothing_changes_by_a_link_or_without_the_csrf_token(browser: Browser) -> None:
    person = member(name="As it was")
    browser.sign_in(person)
    browser.get("/account?name=Somebody&timezone=UTC")
    fields = {"name": "Somebody", "timezone": "UTC"}
    assert browser.client.post("/account", data=fields).status_code == 400
    assert kept(person.user).name == "As it was"


def change(browser: Browser, *, current: str = PASSWORD, new: str = NEW) -> tuple[int, str]:
    answer = browser.submit("/account", {"current_password": current, "new_password": new}, to="/account/password")
    return answer.status_code, text_of(answer)


def test_a_new_password_counts_from_now_on(browser: Browser, other_browser: Browser) -> None:
    person = member()
    browser.sign_in(person)
    assert change(browser)[0] == 303
    assert "Your password is changed" in text_of(browser.get("/account"))
    assert other_browser.sign_in(person).status_code == 422
    assert other_browser.sign_in(person, password=NEW).status_code == 303


def test_a_new_password_signs_out_every_other_browser_of_that_person(browser: Browser, other_browser: Browser) -> None:
    person = member()
    for one in (browser, other_browser):
        one.sign_in(person)
    change(browser)
    assert browser.is_signed_in()
    assert not other_browser.is_signed_in()


def test_a_new_password_leaves_other_people_signed_in(browser: Browser, other_browser: Browser) -> None:
    person = member()
    browser.sign_in(person)
    other_browser.sign_in(member(of=person.organization))
    change(browser)
    assert other_browser.is_signed_in()


@pytest.mark.parametrize(
    ("current", "new", "message"),
    [
        ("not that one", NEW, "That is not your present password."),
        ("", NEW, "Type your present password."),
        (PASSWORD, "", "Type the password you want from now on."),
        (PASSWORD, "elevenchars", "Choose a password of 12 to 256 characters."),
        (PASSWORD, "x" * 257, "Choose a password of 12 to 256 characters."),
    ],
)
def test_a_password_that_will_not_do_is_refused_by_name(
    browser: Browser, other_browser: Browser, current: str, new: str, message: str
) -> None:
    person = member()
    browser.sign_in(person)
    status, words = change(browser, current=current, new=new)
    assert status == 422
    assert message in words
    assert other_browser.sign_in(person).status_code == 303


def test_passwords_typed_are_never_shown_again(browser: Browser) -> None:
    browser.sign_in(member())
    answer = browser.submit(
        "/account", {"current_password": "a wrong one of mine", "new_password": NEW}, to="/account/password"
    )
    assert "a wrong one of mine" not in answer.text
    assert NEW not in answer.text


def test_the_present_password_is_guessed_only_so_often(
    browser: Browser, with_setting: Callable[[str, str], None]
) -> None:
    with_setting("RATE_LIMIT_SIGN_IN", "2 per minute")
    browser.sign_in(member())
    assert [change(browser, current="a guess")[0] for _ in range(3)] == [422, 422, 429]


def test_the_password_is_changed_by_post_alone(browser: Browser) -> None:
    browser.sign_in(member())
    assert browser.get("/account/password").status_code == 405
    assert browser.client.post("/account/password", data={}).status_code == 400
