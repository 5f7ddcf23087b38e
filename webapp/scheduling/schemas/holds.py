"""Times that are kept for a guest, as programs ask for them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from webapp.scheduling.models import Hold
from webapp.scheduling.schemas.fields import LINK, Length, Moment, Start
from webapp.web.openapi import GuestIn, Out

HoldToken = Annotated[str, StringConstraints(max_length=64)]


class HoldIn(GuestIn):
    """A time to keep while a guest decides. `instead_of` is an earlier hold of the same guest, which is let go."""

    start: Start
    duration: Length | None = None
    instead_of: HoldToken | None = Field(None, description="The token of a hold on the same start, to keep it longer.")
    link: str | None = Field(None, max_length=100, description=LINK)


class HoldOut(Out):
    """A time that is kept until `expires_at`; `token` books it or lets it go."""

    token: str
    expires_at: Moment

    @classmethod
    def of(cls, hold: Hold, token: str) -> HoldOut:
        """Show a hold to whom it is for."""
        return cls(token=token, expires_at=hold.expires_at)
