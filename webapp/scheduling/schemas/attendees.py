"""Whom guests bring along."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from webapp.scheduling.schemas.fields import Email
from webapp.scheduling.service.attendees import MOST_ATTENDEES
from webapp.web.openapi import GuestIn

Attendees = Annotated[
    list[Email],
    Field(max_length=MOST_ATTENDEES, description="E-mail addresses, at most the event type's `most_attendees`."),
]


class AttendeesIn(GuestIn):
    """Who is to be invited as well."""

    attendees: Attendees
