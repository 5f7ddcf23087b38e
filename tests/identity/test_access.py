"""The guards that views of every domain stand behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_type_hints

import pytest
from flask import Flask, session
from werkzeug.exceptions import HTTPException

from tests.factories import member
from webapp.core.db import transaction
from webapp.core.errors import Forbidden
from webapp.identity import access, service
from webapp.identity.models import Membership, Role

Guard = Callable[[Callable[[], str]], Callable[[], str]]


def enter(app: Flask, guard: Guard, person: Membership | None, path: str = "/app") -> str:
    """Pass `guard` as `person`."""
    token = ""
    if person:
        with transaction():
            token = service.open_session(membership=person, user_agent="", ip_address="")
    with app.test_request_context(path):
        session["token"] = token
        return guard(lambda: access.current_member().user.email)()


@pytest.mark.parametrize("role", list(Role))
def test_every_member_enters_where_signing_in_is_enough(app: Flask, role: Role) -> None:
    person = member(role=role)
    assert enter(app, access.signed_in, person) == person.user.email


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN])
def test_owners_and_admins_enter_where_administrators_may(app: Flask, role: Role) -> None:
    person = member(role=role)
    assert enter(app, access.administrators_only, person) == person.user.email


def test_a_member_is_refused_where_administrators_may(app: Flask) -> None:
    with pytest.raises(Forbidden):
        enter(app, access.administrators_only, member(role=Role.MEMBER))


@pytest.mark.parametrize("guard", [access.signed_in, access.administrators_only])
def test_a_stranger_is_sent_to_sign_in_and_back(app: Flask, guard: Guard) -> None:
    with pytest.raises(HTTPException) as refusal:
        enter(app, guard, None, "/app/bookings?when=past&q=M%C3%BCller%20%26%20Co")
    assert refusal.value.response is not None
    assert refusal.value.response.headers["Location"] == (
        "/sign-in?next=/app/bookings%3Fwhen%3Dpast%26q%3DM%25C3%25BCller%2520%2526%2520Co"
    )


@pytest.mark.parametrize(
    "target", ["/", "/app", "/app/bookings?when=past&q=a%20b#today", "/book/studio/talk?day=2026-11-24"]
)
def test_a_path_of_this_site_is_gone_back_to(target: str) -> None:
    assert access.safe_next(target) == target


def test_a_guarded_view_keeps_its_name_and_its_type() -> None:
    def view(number: int) -> str:
        return str(number)

    for guard in (access.signed_in, access.administrators_only, access.token_required()):
        guarded = guard(view)
        assert guarded.__name__ == "view"
        assert get_type_hints(guarded) == {"number": int, "return": str}
