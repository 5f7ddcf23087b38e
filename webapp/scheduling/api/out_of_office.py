"""Days on which hosts are away, for members' programs."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from webapp.core import clock
from webapp.core.clock import find_zone
from webapp.core.db import transaction
from webapp.identity.access import current_member, token_required
from webapp.identity.models import Scope
from webapp.scheduling import queries
from webapp.scheduling.api.blueprints import for_members, only_host
from webapp.scheduling.api.creating import created_once
from webapp.scheduling.models import OutOfOffice
from webapp.scheduling.schemas.absences import OutOfOfficeIn, OutOfOfficeOut, OutOfOfficesOut
from webapp.scheduling.service.out_of_office import be_away, be_back, change_absence
from webapp.web.openapi import IdempotencyHeaders, endpoint

blueprint = for_members("scheduling_out_of_office_api")

_TAG = "Availability"


@blueprint.get("/out-of-office")
@token_required(Scope.AVAILABILITY_READ)
@endpoint(answers=OutOfOfficesOut, needs_token=True, tag=_TAG)
def list_out_of_office() -> OutOfOfficesOut:
    """Days out of office that are not over: the holder's own, or everybody's for who manages the organisation."""
    now = clock.now()
    yesterday = now.date() - timedelta(days=1)  # the earliest day that it still is in any zone
    found = queries.absences(organization_id=current_member().organization_id, host_id=only_host(), after=yesterday)
    last = [absence for absence in found if absence.last_day >= now.astimezone(find_zone(absence.timezone)).date()]
    return OutOfOfficesOut(items=[OutOfOfficeOut.of(absence) for absence in last])


@blueprint.post("/out-of-office")
@token_required(Scope.AVAILABILITY_WRITE)
@endpoint(
    answers=OutOfOfficeOut,
    status=201,
    body=OutOfOfficeIn,
    headers=IdempotencyHeaders,
    problems=(409,),
    needs_token=True,
    tag=_TAG,
)
def create_out_of_office(body: OutOfOfficeIn, headers: IdempotencyHeaders) -> OutOfOfficeOut:
    """Be away on whole days; bookings already made stay."""
    member = current_member()

    def create() -> OutOfOffice:
        return be_away(
            organization_id=member.organization_id,
            host_id=member.user_id,
            details=body.details(timezone=member.user.timezone),
        )

    return OutOfOfficeOut.of(created_once(headers=headers, body=body, create=create, find=_own))


@blueprint.get("/out-of-office/<uuid:absence_id>")
@token_required(Scope.AVAILABILITY_READ)
@endpoint(answers=OutOfOfficeOut, problems=(404,), needs_token=True, tag=_TAG)
def show_out_of_office(absence_id: UUID) -> OutOfOfficeOut:
    """One absence."""
    return OutOfOfficeOut.of(_own(absence_id))


@blueprint.put("/out-of-office/<uuid:absence_id>")
@token_required(Scope.AVAILABILITY_WRITE)
@endpoint(answers=OutOfOfficeOut, body=OutOfOfficeIn, problems=(404, 409), needs_token=True, tag=_TAG)
def change_out_of_office(absence_id: UUID, body: OutOfOfficeIn) -> OutOfOfficeOut:
    """Say otherwise when the host is away, or who stands in."""
    with transaction():
        absence = _own(absence_id)
        change_absence(absence=absence, details=body.details(timezone=absence.timezone))
    return OutOfOfficeOut.of(absence)


@blueprint.delete("/out-of-office/<uuid:absence_id>")
@token_required(Scope.AVAILABILITY_WRITE)
@endpoint(answers=OutOfOfficeOut, problems=(404,), needs_token=True, tag=_TAG)
def delete_out_of_office(absence_id: UUID) -> OutOfOfficeOut:
    """Take guests on those days again; the answer is what was noted."""
    with transaction():
        absence = _own(absence_id)
        said = OutOfOfficeOut.of(absence)
        be_back(absence=absence)
    return said


def _own(absence_id: UUID) -> OutOfOffice:
    return queries.get_absence(current_member().organization_id, absence_id, host_id=only_host())
