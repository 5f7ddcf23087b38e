"""What people read can be read in every language: nothing is left unmarked, untranslated or mistranslated."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_keywords, parse_mapping_cfg
from babel.messages.pofile import read_po

from webapp.core.languages import LANGUAGES
from webapp.web.languages import TRANSLATIONS

ROOT = TRANSLATIONS.parent
TRANSLATED = [language for language in LANGUAGES if language != "en"]
# Names and signs, which are the same everywhere.
SAME_EVERYWHERE = {"Almanac", "Redis", "PostgreSQL", "SMTP", "ID", "UTC", "Cron", "RQ", "GET", "POST", "JSON"}
_JINJA = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
_CLASSES = re.compile(r"\{% block \w+_class %\}.*?\{% endblock %\}")
_UNREAD = re.compile(r"<(style|script|svg|code|kbd|pre)\b.*?</\1>|<!--.*?-->", re.DOTALL)
_SHOWN_ATTRIBUTES = re.compile(r'\b(?:aria-label|title|placeholder|alt|data-copied)="([^"]*)"')
_WORD = re.compile(r"[^\W\d_]{2,}")
_MARKS = {"_", "gettext", "ngettext", "lazy_gettext", "say"}
_SHOWN = {"flash", "InputRequired", "ValidationError", "option"}
_PLACEHOLDER = re.compile(r"%\(\w+\)[sdr]|%%")


@cache
def _said() -> Catalog:
    """What `make translations` would find."""
    keywords = DEFAULT_KEYWORDS | parse_keywords(["say", "lazy_gettext"])
    with (TRANSLATIONS / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)  # type: ignore[no-untyped-call]  # babel's own omission
    found = Catalog()
    for name, line, words, comments, context in extract_from_dir(ROOT, methods, options, keywords):
        found.add(words, None, [(name, line)], auto_comments=comments, context=context)
    return found


def _written(language: str) -> Catalog:
    with (TRANSLATIONS / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=language)


def _forms(words: str | tuple[str, ...] | list[str] | None) -> list[str]:
    return [words or ""] if words is None or isinstance(words, str) else list(words)


def _fault(message: Message, found: Message | None) -> str | None:
    if found is None or not all(_forms(found.string)):
        return "is not translated"
    if found.fuzzy:
        return "is marked as fuzzy: look at it, then take the mark away"
    wanted = {frozenset(_PLACEHOLDER.findall(words)) for words in _forms(message.id)}
    if not all(frozenset(_PLACEHOLDER.findall(words)) in wanted for words in _forms(found.string)):
        return "has other placeholders"
    return None


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_sentence_is_translated_with_its_placeholders(language: str) -> None:
    written = _written(language)
    faults = {
        f"{message.locations[0][0]}: {message.id!r}": fault
        for message in _said()
        if message.id and (fault := _fault(message, written.get(message.id, message.context)))
    }
    assert faults == {}, "run `make translations`, then write what is missing into translations/"


@pytest.mark.parametrize("language", TRANSLATED)
def test_nothing_is_translated_that_nobody_says(language: str) -> None:
    said = _said()
    stale = [message.id for message in _written(language) if message.id and not said.get(message.id, message.context)]
    assert stale == [], "run `make translations`, which takes them out"


def _words_of(template: str) -> Iterator[str]:
    """What of a template stands there as it is, marked for nobody."""
    plain = _UNREAD.sub(" ", _JINJA.sub(" ", _CLASSES.sub("", template)))
    yield from _SHOWN_ATTRIBUTES.findall(plain)
    yield from re.sub(r"<[^>]*>|[\w-]+=\"\s*\"", "\n", plain).split("\n")


@pytest.mark.parametrize("folder", ["templates"])
def test_templates_say_nothing_unmarked(folder: str) -> None:
    files = [file for kind in ("html", "txt") for file in (ROOT / folder).rglob(f"*.{kind}")]
    assert files
    unmarked = {
        f"{file.relative_to(ROOT)}: {line.strip()}"
        for file in files
        for line in _words_of(file.read_text(encoding="utf-8"))
        if set(_WORD.findall(line)) - SAME_EVERYWHERE
    }
    assert unmarked == set()


def _python(*patterns: str) -> Iterator[tuple[Path, ast.expr | ast.stmt]]:
    for pattern in patterns:
        for file in sorted(ROOT.glob(pattern)):
            nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
            yield from ((file.relative_to(ROOT), node) for node in nodes if isinstance(node, ast.expr | ast.stmt))


def _is_bare(node: ast.expr | None) -> bool:
    """True for words that stand in the source with no mark around them."""
    if isinstance(node, ast.JoinedStr):
        return any(_is_bare(part) for part in node.values)
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(_WORD.search(node.value))


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


def test_forms_and_views_say_nothing_unmarked() -> None:
    faces = ("webapp/*/forms.py", "webapp/*/forms/*.py", "webapp/*/views.py", "webapp/*/views/*.py")
    unmarked = [
        f"{file}:{node.lineno}"
        for file, node in _python(*faces)
        if isinstance(node, ast.Call)
        and (_called(node).endswith("Field") or _called(node) in _SHOWN)
        and any(_is_bare(given) for given in node.args[_called(node) == "option" :][:1])
    ]
    assert unmarked == []


def test_no_words_are_marked_where_they_cannot_be_found() -> None:
    """The extraction does not look into f-strings."""
    hidden = [
        f"{file}:{node.lineno}"
        for file, node in _python("webapp/**/*.py", "jobs/**/*.py")
        if isinstance(node, ast.JoinedStr)
        and any(isinstance(part, ast.Call) and _called(part) in _MARKS for part in ast.walk(node))
    ]
    assert hidden == []


def test_a_refusal_is_flashed_in_the_readers_language() -> None:
    raw = [
        f"{file}:{node.lineno}"
        for file, node in _python("webapp/*/views.py", "webapp/*/views/*.py", "webapp/*/forms/*.py")
        if isinstance(node, ast.Call) and _called(node) in {"flash", "ValidationError"} and node.args
        if isinstance(node.args[0], ast.Call) and _called(node.args[0]) == "str"
    ]
    assert raw == [], "show what a service said with told(…)"


def test_services_mark_what_they_say() -> None:
    layers = ("webapp/*/service.py", "webapp/*/service/*.py", "webapp/*/queries.py", "webapp/*/queries/*.py")
    unmarked = [
        f"{file}:{node.lineno}"
        for file, node in _python(*layers, "webapp/*/errors.py", "webapp/core/errors.py", "webapp/*/schemas/*.py")
        if _says_unmarked(node)
    ]
    assert unmarked == [], "mark what people read with say(…)"


def _says_unmarked(node: ast.AST) -> bool:
    if isinstance(node, ast.AnnAssign):
        return isinstance(node.target, ast.Name) and node.target.id == "message" and _is_bare(node.value)
    if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
        return bool(node.exc.args) and _is_bare(node.exc.args[0]) and _called(node.exc) != "RuntimeError"
    if isinstance(node, ast.Call) and _called(node) == "FieldError":
        return _is_bare(node.args[-1])
    if isinstance(node, ast.Call) and _called(node) == "add" and len(node.args) == 2:
        return _is_bare(node.args[1])
    return False


def test_scripts_have_no_words_of_their_own() -> None:
    """They find what they say in the page, in data attributes."""
    spoken = {}
    for file in (ROOT / "webapp" / "static" / "js").glob("*.js"):
        code = re.sub(r"(?m)(?<![:\"'])//.*$|/\*.*?\*/", "", file.read_text(encoding="utf-8"))
        texts = re.findall(r"\"([^\"\n]*)\"|'([^'\n]*)'|`([^`]*)`", code)
        found = [text for three in texts for text in three if re.search(r"^[A-Z][a-z]+ [a-z]+|[a-z]+[.!?]$", text)]
        if found:
            spoken[file.name] = found
    assert spoken == {}
