"""What members' programs send to answer requests."""

from __future__ import annotations

from pydantic import Field

from webapp.scheduling.schemas.fields import Reason, Start
from webapp.web.openapi import In


class ApproveIn(In):
    """Which time is meant, since guests can move their requests."""

    start: Start | None = Field(
        None, description="The time that is answered; 409 `moved_meanwhile` when the request is for another by now."
    )


class DeclineIn(ApproveIn):
    """Why a request is declined, if it is told, and which time is meant."""

    reason: Reason | None = None
