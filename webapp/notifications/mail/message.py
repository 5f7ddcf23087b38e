"""An e-mail, written and ready to go, before it becomes MIME."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from uuid import UUID

_LINE_BREAKERS = {"Cc", "Zl", "Zp"}
_DIRECTION_CHANGERS = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def single_line(text: str) -> str:
    """Return `text` on one line: what could start a header of its own or turn the writing direction becomes a blank."""
    kept = (
        " " if unicodedata.category(letter) in _LINE_BREAKERS or letter in _DIRECTION_CHANGERS else letter
        for letter in text
    )
    return " ".join("".join(kept).split())


@dataclass(frozen=True, kw_only=True, slots=True)
class Mailbox:
    """A person's name and e-mail address."""

    name: str
    address: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CalendarPart:
    """An iCalendar object (RFC 5545) and the METHOD in it, which mail programs read from the MIME header too."""

    method: str
    content: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Mail:
    """One e-mail to one recipient.

    `idempotency_key` names the fact that it tells: the same however often its job runs, different for each real event.
    """

    organization_id: UUID
    idempotency_key: str
    template: str
    recipient: Mailbox
    reply_to: Mailbox
    subject: str
    text: str
    html: str
    calendar: CalendarPart | None = None
