"""What members' programs send to answer requests."""

from __future__ import annotations

from webapp.scheduling.schemas.fields import Reason
from webapp.web.openapi import In


class DeclineIn(In):
    """Why a request is declined, if it is told."""

    reason: Reason | None = None
