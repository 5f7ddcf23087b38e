"""How endpoints with long lists are asked for one page of them."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from webapp.core.pagination import MOST_PER_PAGE, PAGE_SIZE, Cursor
from webapp.web.openapi import Query


def _ours(text: str) -> str:
    Cursor.decode(text)
    return text


class PageQuery(Query):
    """Which page, and how long."""

    cursor: Annotated[str, AfterValidator(_ours)] | None = Field(
        None, max_length=200, description="`next_cursor` of the page before; leave it out for the first page."
    )
    limit: int = Field(PAGE_SIZE, ge=1, le=MOST_PER_PAGE)

    @property
    def after(self) -> Cursor | None:
        """The cursor, decoded."""
        return Cursor.decode(self.cursor) if self.cursor else None
