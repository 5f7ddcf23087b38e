"""Arguments and results as the JSON that the database can keep."""

from __future__ import annotations

import json
from typing import Any

from webapp.core.words import is_text


def dump(value: Any) -> str:
    """Return `value` as JSON in ASCII.

    Raises TypeError when it is nothing for JSON, and ValueError when it is nothing for the database: text with NUL or
    with half a character in it, a number that is none, lists within lists without end.
    """
    try:
        text = json.dumps(value, allow_nan=False)
    except RecursionError:
        raise ValueError("lists and objects are nested too deeply") from None
    if "\\u0000" in text:
        raise ValueError("text may not contain NUL characters")
    # The halves of a character beyond the first 65,536 are written like this, whole or not.
    if "\\ud" in text and not is_text(json.dumps(value, ensure_ascii=False)):
        raise ValueError("text may not contain half a character (a lone surrogate)")
    return text
