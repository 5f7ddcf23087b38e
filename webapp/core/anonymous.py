"""What may leave the house: texts for services outside of it, without secrets and without people's data."""

from __future__ import annotations

import re

from webapp.core.logs import without_secrets

ADDRESS, NUMBER, ROW = "[address]", "[number]", "[row]"

_PERSONAL: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"[^][\s<>\"'(),;:=]+@[^\s<>\"'(),;:=]*\w"), ADDRESS),
    (re.compile(r"\+\d[\d ()/-]{5,}\d"), NUMBER),
    # How PostgreSQL quotes the row that it refused.
    (re.compile(r"(?m)^DETAIL:.*$"), f"DETAIL: {ROW}"),
)


def anonymous(text: str) -> str:
    """Return text without secrets, addresses and numbers of people, and rows of the database."""
    text = str(without_secrets(text))
    for pattern, replacement in _PERSONAL:
        text = pattern.sub(replacement, text)
    return text
