"""Bookings that no longer fit, as members' programs are shown them and answer."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from webapp.scheduling.schemas.fields import Reason
from webapp.scheduling.schemas.members import BookingOut
from webapp.scheduling.service.impact import Answer, Cause, Misfit
from webapp.web.openapi import In, Out


class MisfitOut(Out):
    """A booking that no longer fits when its host can be booked, and why."""

    booking: BookingOut
    cause: Cause


class MisfitsOut(Out):
    """The holder's bookings to come that no longer fit, soonest first."""

    items: list[MisfitOut]

    @classmethod
    def of(cls, misfits: list[Misfit]) -> MisfitsOut:
        """Show all of them."""
        return cls(items=[MisfitOut(booking=BookingOut.of(each.booking), cause=each.cause) for each in misfits])


class MisfitAnswerIn(In):
    """What becomes of bookings that no longer fit: of those named, or of all.

    They are kept, or their guests are asked to choose another time, or they are cancelled with a reason.
    """

    answer: Answer
    booking_ids: Annotated[list[UUID], Field(max_length=1000)] | None = None
    reason: Reason | None = None
