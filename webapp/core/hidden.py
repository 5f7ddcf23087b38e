"""The secrets that this process has in hand, so that no line, record or page shows them, whoever words it.

A worker forgets them when it begins its next job; so what is said late about a job is still clean. Outside of jobs
nothing is kept.
"""

from __future__ import annotations

import json
from threading import Lock
from typing import Any
from urllib.parse import quote, quote_plus

HIDDEN = "[hidden]"

# What is shorter would be found in every second word.
SHORTEST = 4

_lock = Lock()
_in_hand: tuple[str, ...] | None = None


def begin() -> None:
    """Forget what was in hand, and keep in mind what comes from now on."""
    global _in_hand  # noqa: PLW0603  # a process has one memory
    with _lock:
        _in_hand = ()


def keep(secret: str) -> None:
    """Have `secret` hidden from now on, also as JSON, Python or an address would write it."""
    global _in_hand  # noqa: PLW0603  # as above
    with _lock:
        if _in_hand is None or len(secret) < SHORTEST:
            return
        as_literal = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]}
        in_addresses = {quote(secret), quote(secret, safe=""), quote_plus(secret)}
        _in_hand = tuple(sorted({*_in_hand, secret} | as_literal | in_addresses, key=len, reverse=True))


def hide(text: str) -> str:
    """Return `text` without any secret that is in hand."""
    for secret in _in_hand or ():
        text = text.replace(secret, HIDDEN)
    return text


def hide_in(value: Any) -> Any:
    """Return JSON values without any secret that is in hand, wherever there is text in them."""
    if not _in_hand:
        return value
    match value:
        case str():
            return hide(value)
        case dict():
            return {hide(str(key)): hide_in(item) for key, item in value.items()}
        case list() | tuple():
            return [hide_in(item) for item in value]
    return value
