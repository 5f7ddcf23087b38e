"""Notes about bookings."""

from __future__ import annotations

from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, StringConstraints

from webapp.scheduling.models import LONGEST_NOTE, BookingNote
from webapp.scheduling.schemas.fields import Moment
from webapp.scheduling.schemas.members import MemberOut
from webapp.scheduling.service.guests import plain_text
from webapp.web.openapi import In, Out


class NoteIn(In):
    """What to write down."""

    text: Annotated[str, StringConstraints(max_length=LONGEST_NOTE, min_length=1), AfterValidator(plain_text)]


class NoteOut(Out):
    """A note, who wrote it and when."""

    id: UUID
    text: str
    author: MemberOut
    created_at: Moment

    @classmethod
    def of(cls, note: BookingNote) -> Self:
        """Show all of it."""
        return cls(id=note.id, text=note.text, author=MemberOut.of(note.author), created_at=note.created_at)


class NotesOut(Out):
    """All notes about a booking, oldest first."""

    items: list[NoteOut]
