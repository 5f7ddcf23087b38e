"""A person at a browser: cookies, forms with their CSRF token, and a fresh context for each request, as in life."""

from __future__ import annotations

import re
from contextvars import Context
from html import unescape
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.factories import PASSWORD
from webapp.identity.models import Membership

SIGN_IN = "/sign-in"
_CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')


class SeparateRequests(FlaskClient):
    """A client whose requests share no application context with the test, hence neither `g` nor a database session."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        return Context().run(super().open, *args, **kwargs)


class Browser:
    """What a person does: look at a page, fill its form in and send it."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def get(self, path: str, **kwargs: Any) -> TestResponse:
        return self.client.get(path, **kwargs)

    def submit(self, page: str, fields: dict[str, Any], *, to: str | None = None, **kwargs: Any) -> TestResponse:
        """Open `page` and send the form on it that goes `to` an address (the page's own if not given)."""
        match = _CSRF.search(self.get(page).text)
        assert match, f"there is no form on {page}"
        return self.client.post(to or page, data={"csrf_token": match[1]} | fields, **kwargs)

    def sign_in(self, member: Membership, *, password: str = PASSWORD, **fields: str) -> TestResponse:
        return self.submit(SIGN_IN, {"email": member.user.email, "password": password} | fields)

    def is_signed_in(self) -> bool:
        return self.get("/account").status_code == 200

    def cookie(self) -> str:
        cookie = self.client.get_cookie("session")
        return cookie.value if cookie else ""


def text_of(answer: TestResponse) -> str:
    """The words of a page, without its markup."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())
