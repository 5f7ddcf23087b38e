"""Bookings that no longer fit when their host can be booked, for members' programs."""

from __future__ import annotations

from webapp.core.db import transaction
from webapp.identity.access import current_member, token_required
from webapp.identity.models import Scope
from webapp.scheduling.api.blueprints import for_members
from webapp.scheduling.schemas.misfits import MisfitAnswerIn, MisfitsOut
from webapp.scheduling.service.impact import Misfit, answer_several, misfits
from webapp.web.openapi import endpoint

blueprint = for_members("scheduling_misfits_api")

_TAG = "Availability"


@blueprint.get("/availability/bookings")
@token_required(Scope.AVAILABILITY_READ, Scope.BOOKINGS_READ)
@endpoint(answers=MisfitsOut, needs_token=True, tag=_TAG)
def list_misfits() -> MisfitsOut:
    """The holder's bookings to come that no longer fit their hours, blocks and days away."""
    return MisfitsOut.of(_own())


@blueprint.post("/availability/bookings")
@token_required(Scope.AVAILABILITY_READ, Scope.BOOKINGS_WRITE)
@endpoint(answers=MisfitsOut, body=MisfitAnswerIn, problems=(409,), needs_token=True, tag=_TAG)
def answer_misfits(body: MisfitAnswerIn) -> MisfitsOut:
    """Keep bookings that no longer fit, ask their guests to move them, or cancel them; the answer is what is left."""
    with transaction():
        found = [misfit.booking for misfit in _own()]
        chosen = [booking for booking in found if body.booking_ids is None or booking.id in body.booking_ids]
        answer_several(bookings=chosen, answer=body.answer, reason=body.reason or "")
    return MisfitsOut.of(_own())


def _own() -> list[Misfit]:
    member = current_member()
    return misfits(organization_id=member.organization_id, host_id=member.user_id)
