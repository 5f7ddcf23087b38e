"""In which language a page is: chosen in its address, by the member, or by the browser; English otherwise.

Translations are read from their `.po` files as they are in the repository, so there is nothing to compile before a
change of words is seen, and nothing compiled that could be older than the words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, Response, has_request_context, request
from flask_babel import Babel, Domain, get_locale, gettext, refresh
from werkzeug.datastructures import MultiDict

from webapp.core import languages
from webapp.core.words import Said

TRANSLATIONS = Path(__file__).resolve().parents[2] / "translations"
ARGUMENT = "language"

_DEFAULT = Locale.parse("en")
# Pages that anybody can open. There the address counts most, and it keeps what was chosen from page to page.
_PUBLIC = frozenset({"guest", "manage", "embed", "waitlist"})

MemberLanguage = Callable[[], str]


class _Catalogs(Domain):  # type: ignore[misc]  # flask_babel has no types
    """flask_babel's words, from `.po` files."""

    def get_translations(self) -> NullTranslations:
        """Return the words of the current language."""
        return catalog((get_locale() or _DEFAULT).language)


class _Babel(Babel):  # type: ignore[misc]  # as above
    domain_instance = _Catalogs()


babel = _Babel()


def init_languages(app: Flask, *, of_member: MemberLanguage) -> None:
    """Choose the language of each request of `app`; `of_member` returns the tag that a signed-in member has set."""
    babel.init_app(app, locale_selector=lambda: _reader(of_member) if has_request_context() else None)
    app.before_request(refresh)  # an application context around several requests must not keep the first one's
    app.after_request(_declare)
    app.url_defaults(_keep_choice)
    app.jinja_env.globals.update(told=told, page_language=page_language, language_choices=language_choices)
    app.jinja_env.globals["text_direction"] = lambda: (get_locale() or _DEFAULT).text_direction
    for language in languages.LANGUAGES:
        catalog(language)


@lru_cache(maxsize=16)
def catalog(language: str) -> NullTranslations:
    """Return the words of one of our languages; raises FileNotFoundError where they should be and are not."""
    if language == languages.SOURCE_LANGUAGE:
        return NullTranslations()
    compiled = BytesIO()
    with (TRANSLATIONS / language / "LC_MESSAGES" / "messages.po").open("rb") as words:
        write_mo(compiled, read_po(words, locale=language))
    compiled.seek(0)
    return Translations(compiled)


def told(text: object) -> str:
    """Return what a service said, or an error that carries it, in the reader's language."""
    said = str(text)
    if not isinstance(said, Said):
        return said
    values = {name: told(value) if isinstance(value, Said) else value for name, value in said.values.items()}
    return str(gettext(said.pattern, **values))


def page_language() -> str:
    """Return the language tag of the page's own words."""
    return str((get_locale() or _DEFAULT).language)


class Choice(NamedTuple):
    """A language to switch to: its tag, its own name, and the address of this page in it."""

    tag: str
    name: str
    address: str
    is_current: bool


def language_choices() -> Iterator[Choice]:
    """Yield this page in each language; nothing where the address alone would not bring it back."""
    if request.method != "GET" or not request.endpoint:
        return
    page, kept = quote(request.root_path + request.path), MultiDict(request.args)
    for tag in languages.LANGUAGES:
        kept[ARGUMENT] = tag
        yield Choice(
            tag, language_name(tag), f"{page}?{urlencode(list(kept.items(multi=True)))}", tag == page_language()
        )


def language_name(tag: str) -> str:
    """Return what those who speak it call a language, such as `Deutsch` or `English (United States)`."""
    name = languages.customs(tag).get_display_name() or tag
    return name[0].upper() + name[1:]


def _reader(of_member: MemberLanguage) -> Locale:
    browser, chosen = _browser(), _chosen() or _set_by(of_member)
    wanted = languages.customs(chosen) if chosen else browser
    # A language without a place says nothing of customs, and the browser may: German as they read it in Austria.
    return browser if not wanted.territory and browser.language == wanted.language else wanted


def _browser() -> Locale:
    """Return the first of the browser's languages that Almanac speaks; English follows the browser's very first."""
    tags = list(request.accept_languages.values())
    spoken = next((tag for tag in tags if tag.partition("-")[0].lower() in languages.LANGUAGES), "en")
    first = tags[0] if tags else ""
    return languages.customs(first if spoken.lower().startswith("en") else spoken, unknown=_DEFAULT)


def _chosen() -> str:
    """Return the language that the address asks for, if Almanac speaks it."""
    tag = request.args.get(ARGUMENT, "") if request.blueprint in _PUBLIC else ""
    return tag if tag in languages.LANGUAGES else ""


def _set_by(of_member: MemberLanguage) -> str:
    return "" if is_for_programs() else of_member()


def is_for_programs() -> bool:
    """True for requests that no person's settings matter to: their language is what their header says."""
    return request.path.startswith("/api/") or request.endpoint == "static"


def _declare(response: Response) -> Response:
    if response.mimetype in {"text/html", "application/problem+json"}:
        response.headers.setdefault("Content-Language", page_language())
        response.vary.add("Accept-Language")
    return response


def _keep_choice(endpoint: str, values: dict[str, Any]) -> None:
    """Keep the language that was chosen in the addresses of all public pages that a page leads to."""
    if has_request_context() and endpoint.partition(".")[0] in _PUBLIC and (tag := _chosen()):
        values.setdefault(ARGUMENT, tag)
