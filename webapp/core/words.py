"""Sentences for people, written where no language is known yet.

Services and what is below them say what is wrong in English, and do not know who will read it. `say` marks such a
sentence for translation and keeps its pattern, so that whoever shows it can say it again in the reader's language
(`webapp.web.languages.told`). Until then, and for programs, it is the English text that it looks like.
"""

from __future__ import annotations

import re
from typing import Self

LONGEST_SLUG = 60
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def is_text(value: str) -> bool:
    """Tell whether the database can keep this: no NUL, and nothing that UTF-8 cannot say, such as half a character."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in value


def is_slug(value: str) -> bool:
    """Tell whether this can be a name in addresses: lower-case letters and digits, single hyphens between them."""
    return len(value) <= LONGEST_SLUG and bool(_SLUG.fullmatch(value))


class Said(str):
    """A text that remembers the pattern and the values it was made from.

    `str()` of it, and of an exception that carries it, is still a Said: what is said survives being raised.
    """

    __slots__ = ("pattern", "values")

    pattern: str
    values: dict[str, object]

    def __new__(cls, pattern: str, values: dict[str, object]) -> Self:
        """Return the text; `values` stand in `pattern` as %(name)s or %(name)d."""
        said = super().__new__(cls, pattern % values if values else pattern)
        said.pattern, said.values = pattern, values
        return said

    def __str__(self) -> str:
        return self


def say(pattern: str, /, **values: object) -> Said:
    """Return a sentence that can be translated later; values are named in it: `at most %(most)d characters`."""
    return Said(pattern, values)
