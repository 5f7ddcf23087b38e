"""Bookings as a CSV file, row by row: as many as there are, in the memory and the queries of one batch at a time.

Spreadsheets run what begins like a formula, and guests may type anything, so such cells begin with an apostrophe.
Where lists are written with semicolons, as in German, they also part a line there or at tabs. Quotation marks do not
keep them from it, since to such a reader the quoted text ends before the first comma, and from there on each semicolon
and each line break begins a cell. So what begins like a formula behind one of those has an apostrophe, too.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, tzinfo
from io import StringIO
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from flask_babel import gettext as _

from webapp.core.db import transaction
from webapp.core.pagination import Cursor
from webapp.scheduling import queries
from webapp.scheduling.answered import in_words
from webapp.scheduling.models import Booking
from webapp.scheduling.queries import Asked, Selection

BATCH = 500

# So that spreadsheets take it for UTF-8.
_BYTE_ORDER_MARK = "\ufeff"
# The last four are how East Asian keyboards write the first four.
_BEGINS_A_FORMULA = "=+\\-@\uff1d\uff0b\uff0d\uff20"
# Where a cell begins with a tab or a line break, and where one may begin with a formula, marks and blanks aside.
_DANGEROUS = re.compile(rf'^(?=[\t\r\n])|(?:^|(?<=[;\t\r\n]))(?=(?:"|[^\S\t\r\n])*[{_BEGINS_A_FORMULA}])')
_TIME = "%Y-%m-%d %H:%M"


class Column(NamedTuple):
    """A column: what stands above it, and what it says of a booking."""

    title: str
    cell: Callable[[Booking], str]


def bookings_csv(selection: Selection, *, zone: ZoneInfo) -> Iterator[str]:
    """Yield the file of the bookings that were selected in pieces, their times in `zone` and in UTC.

    Each piece is read in a transaction of its own, so that a slow reader keeps none open. A booking that moves while
    the file is being written may be missing or there twice.
    """
    with transaction():
        columns = [*_columns(zone), *_question_columns(queries.asked_questions(selection))]
    yield _BYTE_ORDER_MARK + _lines([[column.title for column in columns]])
    after = None
    while True:
        with transaction():
            page = queries.bookings_page(**selection._asdict(), after=after, limit=BATCH)
            text = _lines([column.cell(booking) for column in columns] for booking in page.items)
        yield text
        if page.next_cursor is None:
            return
        after = Cursor.decode(page.next_cursor)


def _lines(rows: Iterable[list[str]]) -> str:
    """Return rows as CSV (RFC 4180), each cell between quotation marks."""
    written = StringIO(newline="")
    csv.writer(written, quoting=csv.QUOTE_ALL).writerows([_harmless(cell) for cell in row] for row in rows)
    return written.getvalue()


def _harmless(cell: str) -> str:
    return _DANGEROUS.sub("'", cell)


def _columns(zone: ZoneInfo) -> list[Column]:
    place = zone.key
    return [
        Column(_("Start (%(zone)s)", zone=place), lambda booking: _time(booking.starts_at, zone)),
        Column(_("End (%(zone)s)", zone=place), lambda booking: _time(booking.ends_at, zone)),
        Column(_("Start (UTC)"), lambda booking: _time(booking.starts_at, UTC)),
        Column(_("End (UTC)"), lambda booking: _time(booking.ends_at, UTC)),
        Column(_("Minutes"), lambda booking: str(booking.minutes)),
        Column(_("Event type"), lambda booking: booking.event_type.name),
        Column(_("Hosts"), lambda booking: ", ".join(host.name for host in booking.hosts)),
        Column(_("Status"), lambda booking: booking.status.value),
        Column(_("Attendance"), lambda booking: booking.attendance.value),
        Column(_("Guest"), lambda booking: booking.guest_name),
        Column(_("E-mail"), lambda booking: booking.guest_email),
        Column(_("Phone"), lambda booking: booking.guest_phone or ""),
        Column(_("Guest's time zone"), lambda booking: booking.guest_timezone),
        Column(_("Brings along"), lambda booking: ", ".join(each.email for each in booking.attendees)),
        Column(_("Booked (UTC)"), lambda booking: _time(booking.created_at, UTC)),
        Column(_("Cancelled (UTC)"), lambda booking: _time(booking.cancelled_at, UTC)),
        Column(_("Cancelled by"), lambda booking: booking.cancelled_by.value if booking.cancelled_by else ""),
        Column(_("Reason"), lambda booking: booking.cancel_reason),
        Column(_("Booking"), lambda booking: str(booking.id)),
    ]


def _time(moment: datetime | None, zone: tzinfo) -> str:
    return moment.astimezone(zone).strftime(_TIME) if moment else ""


def _question_columns(asked: Iterable[Asked]) -> list[Column]:
    """Return a column for each question; what several event types ask under one key and label is one question."""
    askers: dict[tuple[str, str], set[UUID]] = {}
    for question in asked:
        askers.setdefault((question.key, question.label), set()).add(question.event_type_id)
    labels = [label for _key, label in askers]
    return [
        Column(f"{label} ({key})" if labels.count(label) > 1 else label, _answer_to(key, event_types))
        for (key, label), event_types in askers.items()
    ]


def _answer_to(key: str, event_types: set[UUID]) -> Callable[[Booking], str]:
    return lambda booking: _answer(booking.answers, key) if booking.event_type_id in event_types else ""


def _answer(answers: Mapping[str, Any], key: str) -> str:
    answer = answers.get(key, "")
    return "; ".join(map(str, answer)) if isinstance(answer, list) else in_words(answer)
