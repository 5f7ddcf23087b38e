"""Bookings that no longer fit, as members' programs are shown them and answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated
from uuid import UUID

from pydantic import Field

from webapp.core.validation import FieldError, InvalidInput
from webapp.core.words import say
from webapp.scheduling.models import Booking
from webapp.scheduling.schemas.fields import Reason
from webapp.scheduling.schemas.members import BookingOut
from webapp.scheduling.service.impact import MOST_MISFITS, Answer, Cause, Misfits
from webapp.web.openapi import In, Out, Query

_WHOSE = "Another host than the token's holder, for who manages the organisation."
_WHICH = say("Please either name bookings in booking_ids, or send all as true for every one that is listed.")


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
    """What becomes of bookings that no longer fit: of those in `booking_ids`, or with `all` of all that are listed.

    One of both is required. They are kept, or their guests are asked to choose another time, or they are cancelled
    with a reason.
    """

    answer: Answer
    booking_ids: Annotated[list[UUID], Field(max_length=MOST_MISFITS)] | None = None
    all: bool = False
    reason: Reason | None = None
    host_id: UUID | None = Field(None, description=_WHOSE)

    def chosen(self, found: Iterable[Booking]) -> list[Booking]:
        """Return those of the bookings that it is about.

        Raises InvalidInput naming `booking_ids` when neither these nor `all` are given, or both.
        """
        if self.all == (self.booking_ids is not None):
            raise InvalidInput([FieldError("booking_ids", _WHICH)])
        return [booking for booking in found if self.all or booking.id in (self.booking_ids or ())]
