"""What members' programs send to book for a guest and to move a booking."""

from __future__ import annotations

from uuid import UUID

from pydantic import ConfigDict, Field

from webapp.scheduling.schemas.guests import MeetingIn, RescheduleIn

_OUTSIDE = Field(
    default=False,
    description="Leave hours, blocks, days out of office, notice, horizon, grid and limits aside. Another meeting is "
    "never overlapped, nor are the breaks (`buffer_before`, `buffer_after`) of either.",
)


class HostBookingIn(MeetingIn):
    """A booking to make for a guest; `timezone` is the guest's. What requires approval has it thereby.

    `answers` are as in a guest's own booking; a phone number can be left out, though the host is to call.
    """

    model_config = ConfigDict(extra="forbid")

    event_type_id: UUID
    outside_rules: bool = _OUTSIDE


class HostRescheduleIn(RescheduleIn):
    """Where a booking is to be moved."""

    model_config = ConfigDict(extra="forbid")

    outside_rules: bool = _OUTSIDE
