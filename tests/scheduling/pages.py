"""A visitor without JavaScript: opens pages, reads them, fills in their forms and presses their buttons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlsplit

from flask import Flask
from werkzeug.test import TestResponse

from tests.factories import PASSWORD
from tests.identity.browser import SeparateRequests
from webapp.identity.models import Membership

_VOID = {"input", "meta", "link", "br", "hr", "img", "rect", "path", "circle"}


@dataclass
class Form:
    """A form as a browser would send it: what is typed, chosen and checked so far, in order."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    buttons: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Page:
    """An answer, its forms, its links and its words."""

    answer: TestResponse
    forms: list[Form]
    links: list[tuple[str, str]]
    words: str
    ids: list[str]

    def form(self, ending: str = "") -> Form:
        """The form whose action ends so; the last one of the page if nothing is said."""
        return [form for form in self.forms if form.method == "post" and form.action.endswith(ending)][-1]

    def link(self, words: str) -> str:
        """Where the first link with these words leads."""
        return next(href for href, text in self.links if words in text)


class Visitor:
    """Somebody at a browser of their own."""

    def __init__(self, app: Flask) -> None:
        self.client = SeparateRequests(app, app.response_class)

    def open(self, address: str, *, status: int = 200, headers: dict[str, str] | None = None) -> Page:
        parts = urlsplit(address)
        answer = self.client.get(parts.path + (f"?{parts.query}" if parts.query else ""), headers=headers)
        assert answer.status_code == status, (address, answer.status, answer.text[:2000])
        return _read(answer, parts.path)

    def send(
        self, form: Form, typed: Mapping[str, str | None] | None = None, *, status: int = 303, button: str = ""
    ) -> Page:
        """Fill in a form (None takes a field out) and send it, by the button with that value if one is named."""
        changes = typed or {}
        kept = [(name, value) for name, value in form.fields if name not in changes]
        filled = [(name, value) for name, value in changes.items() if value is not None]
        pressed = [pair for pair in form.buttons if button and pair[1] == button]
        assert bool(pressed) == bool(button), (button, form.buttons)
        data: dict[str, list[str]] = {}
        for name, value in [*kept, *filled, *pressed]:
            data.setdefault(name, []).append(value)
        answer = self.client.post(form.action, data=data)
        assert answer.status_code == status, (form.action, answer.status, answer.text[:3000])
        return _read(answer, form.action)

    def follow(self, page: Page) -> Page:
        """Go where an answer leads."""
        return self.open(page.answer.headers["Location"])

    def sign_in(self, member: Membership) -> Visitor:
        form = self.open("/sign-in").form("/sign-in")
        self.send(form, {"email": member.user.email, "password": PASSWORD})
        return self


def _read(answer: TestResponse, path: str) -> Page:
    reader = _Reader(path)
    if answer.mimetype == "text/html":
        reader.feed(answer.text.replace("<wbr>", ""))  # where a word may break, it goes on
    return Page(answer, reader.forms, reader.links, " ".join(" ".join(reader.words).split()), reader.ids)


class _Reader(HTMLParser):
    """Collects what a visitor can see and send; complains about markup that browsers would have to repair."""

    def __init__(self, path: str) -> None:
        super().__init__(convert_charrefs=True)
        self.path = path
        self.forms: list[Form] = []
        self.links: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.ids: list[str] = []
        self._open: list[str] = []
        self._href: str | None = None
        self._select = ""
        self._textarea: str | None = None
        self._from = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag not in _VOID:
            self._open.append(tag)
        if "id" in values:
            self.ids.append(values["id"])
        if tag == "form":
            self.forms.append(Form(values.get("action") or self.path, values.get("method", "get")))
        elif tag == "a" and "href" in values:
            self._href, self._from = values["href"], len(self.words)
        elif self.forms and "form" in self._open:
            self._field(tag, values)

    def _field(self, tag: str, values: dict[str, str]) -> None:
        form, name = self.forms[-1], values.get("name", "")
        if tag == "input" and name:
            if values.get("type") not in {"checkbox", "radio"} or "checked" in values:
                form.fields.append((name, values.get("value", "")))
        elif tag == "select":
            self._select = name
        elif tag == "option" and "selected" in values:
            form.fields.append((self._select, values["value"]))
        elif tag == "textarea":
            self._textarea = name
            form.fields.append((name, ""))
        elif tag == "button" and name:
            form.buttons.append((name, values.get("value", "")))

    def handle_data(self, data: str) -> None:
        if self._textarea is not None:
            name, so_far = self.forms[-1].fields[-1]
            self.forms[-1].fields[-1] = (name, (so_far + data).removeprefix("\r\n").removeprefix("\n"))
        self.words.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            return
        opened = self._open.pop()
        assert opened == tag, f"<{opened}> is closed by </{tag}> at {self.getpos()}"
        if tag == "a" and self._href is not None:
            self.links.append((self._href, " ".join(" ".join(self.words[self._from :]).split())))
            self._href = None
        if tag == "textarea":
            self._textarea = None
