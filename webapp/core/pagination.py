"""Pages of a long list by keyset: a cursor names the last row seen, so pages stay right while rows come and go."""

from __future__ import annotations

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar
from uuid import UUID

from webapp.core.words import say

T = TypeVar("T")

PAGE_SIZE = 25
MOST_PER_PAGE = 100


class Cursor(NamedTuple):
    """Where a page ended: the time its list is ordered by (aware) and, among equals, the row's id."""

    at: datetime
    id: UUID

    def encode(self) -> str:
        """Return the cursor as callers carry it: URL-safe, and nothing to rely on."""
        plain = json.dumps([self.at.isoformat(), self.id.hex], separators=(",", ":"))
        return urlsafe_b64encode(plain.encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> Cursor:
        """Return the cursor that `encode` wrote as `text`; raises ValueError when it is none of ours."""
        try:
            at, row_id = json.loads(urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4)))
            cursor = cls(datetime.fromisoformat(at), UUID(hex=row_id))
        except (ValueError, TypeError, AttributeError, RecursionError, binascii.Error):
            raise ValueError(say("This cursor is none of ours; take next_cursor from the page before.")) from None
        if cursor.at.tzinfo is None:
            raise ValueError(say("This cursor is none of ours; take next_cursor from the page before."))
        return cursor


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows of a list, and the cursor of the next page; None on the last one."""

    items: Sequence[T]
    next_cursor: str | None
