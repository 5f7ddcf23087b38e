"""Bookings that no longer fit when their host can be booked, for members' programs."""

from __future__ import annotations

from uuid import UUID

from webapp.core.db import transaction
from webapp.core.errors import NotFound
from webapp.identity.access import current_member, token_required
from webapp.identity.models import Scope
from webapp.identity.queries import member_of
from webapp.scheduling.api.blueprints import for_members
from webapp.scheduling.schemas.misfits import MisfitAnswerIn, MisfitsOut, MisfitsQuery
from webapp.scheduling.service.impact import Misfits, answer_several, misfits
from webapp.web.openapi import endpoint

blueprint = for_members("scheduling_misfits_api")

_TAG = "Availability"


@blueprint.get("/availability/bookings")
@token_required(Scope.AVAILABILITY_READ, Scope.BOOKINGS_READ)
@endpoint(answers=MisfitsOut, query=MisfitsQuery, problems=(404,), needs_token=True, tag=_TAG)
def list_misfits(query: MisfitsQuery) -> MisfitsOut:
    """A host's bookings to come that no longer fit their hours, blocks and days away."""
    return MisfitsOut.of(_misfits(query.host_id))


@blueprint.post("/availability/bookings")
@token_required(Scope.AVAILABILITY_READ, Scope.BOOKINGS_WRITE)
@endpoint(answers=MisfitsOut, body=MisfitAnswerIn, problems=(404, 409), needs_token=True, tag=_TAG)
def answer_misfits(body: MisfitAnswerIn) -> MisfitsOut:
    """Keep bookings that no longer fit, ask their guests to move them, or cancel them; the answer is what is left."""
    with transaction():
        found = [misfit.booking for misfit in _misfits(body.host_id).items]
        answer_several(bookings=body.chosen(found), answer=body.answer, reason=body.reason or "")
    return MisfitsOut.of(_misfits(body.host_id))


def _misfits(host_id: UUID | None) -> Misfits:
    """Return the holder's own, or the named host's for who manages the organisation; raises NotFound."""
    member = current_member()
    if host_id is not None and host_id != member.user_id:
        if not member.role.administers:
            raise NotFound
        member = member_of(member.organization_id, user_id=host_id)
    return misfits(organization_id=member.organization_id, host_id=member.user_id)
