from __future__ import annotations

from base64 import urlsafe_b64encode
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.core.pagination import Cursor


@given(at=st.datetimes(timezones=st.just(UTC)), row_id=st.uuids())
def test_a_cursor_comes_back_as_it_went(at: datetime, row_id: UUID) -> None:
    cursor = Cursor(at, row_id)
    text = cursor.encode()
    assert Cursor.decode(text) == cursor
    assert text.isascii()
    assert not set(text) & set("=+/&?")


def _written(plain: str) -> str:
    return urlsafe_b64encode(plain.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "é", "\ud800", "====", "W10",
        _written("[1, 2]"), _written("{}"), _written('["2026-11-24", null]'), _written("[" * 5000),
        _written('["2026-11-24T10:00:00", "018f0000-0000-7000-8000-000000000000"]'),
        _written('["2026-11-24T10:00:00Z", "no id"]'),
    ],
)  # fmt: skip
def test_what_is_no_cursor_of_ours_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match="next_cursor"):
        Cursor.decode(text)


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    with suppress(ValueError):
        assert Cursor.decode(text).at.tzinfo
