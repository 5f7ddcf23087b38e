"""Arguments, results and texts as the JSON and the text that the database can keep."""

from __future__ import annotations

import json
import re
from itertools import chain
from typing import Any

from webapp.core.words import is_text

_UNKEEPABLE = re.compile("[\0\ud800-\udfff]")
# How these look in JSON of ASCII; so do whole pairs, and text about them.
_SUSPICIOUS = re.compile(r"\\u(?:0000|d[89a-f])")


def dump(value: Any) -> str:
    """Return `value` as JSON in ASCII.

    Raises TypeError when it is nothing for JSON, and ValueError when it is nothing for the database: text that cannot
    be kept, a number that is none, lists within lists without end.
    """
    try:
        text = json.dumps(value, allow_nan=False)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    if _SUSPICIOUS.search(text):
        require_keepable(value)
    return text


def require_keepable(value: Any) -> None:
    """Raise ValueError when these values hold text that cannot be kept, or are nested too deeply to tell."""
    try:
        found = unkeepable(value)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    if found:
        raise ValueError(f"text may not contain {found}")


def unkeepable(value: Any) -> str | None:
    """Return what there is in the texts of these JSON values, names included, that cannot be kept; None if nothing."""
    match value:
        case str():
            if is_text(value):
                return None
            return "NUL characters" if "\0" in value else "halves of surrogate pairs"
        case dict():
            return next(filter(None, map(unkeepable, chain(value.keys(), value.values()))), None)
        case list() | tuple():
            return next(filter(None, map(unkeepable, value)), None)
    return None


def made_keepable(text: str) -> str:
    """Return `text` with U+FFFD in the place of each character that cannot be kept."""
    return _UNKEEPABLE.sub("\N{REPLACEMENT CHARACTER}", text)


_TOO_DEEP = "lists and objects are nested too deeply"
