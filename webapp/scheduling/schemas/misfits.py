"""Bookings that no longer fit, as members' programs are shown them and answer."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from webapp.scheduling.schemas.fields import Reason
from webapp.scheduling.schemas.members import BookingOut
from webapp.scheduling.service.impact import Answer, Cause, Misfits
from webapp.web.openapi import In, Out, Query

_WHOSE = "Another host than the token's holder, for who manages the organisation."


class MisfitOut(Out):
    """A booking that no longer fits when its host can be booked, and why."""

    booking: BookingOut
    cause: Cause


class MisfitsOut(Out):
    """A host's bookings to come that no longer fit, soonest first; others follow these if there are `more`."""

    items: list[MisfitOut]
    more: bool

    @classmethod
    def of(cls, misfits: Misfits) -> MisfitsOut:
        """Show all of them."""
        items = [MisfitOut(booking=BookingOut.of(each.booking), cause=each.cause) for each in misfits.items]
        return cls(items=items, more=misfits.more)


class MisfitsQuery(Query):
    """Whose bookings."""

    host_id: UUID | None = Field(None, description=_WHOSE)


class MisfitAnswerIn(In):
    """What becomes of bookings that no longer fit: of those named, or of all that are listed.

    They are kept, or their guests are asked to choose another time, or they are cancelled with a reason.
    """

    answer: Answer
    booking_ids: Annotated[list[UUID], Field(max_length=1000)] | None = None
    reason: Reason | None = None
    host_id: UUID | None = Field(None, description=_WHOSE)
