"""Event types, for members' programs."""

from __future__ import annotations

from uuid import UUID

from webapp.core.db import transaction
from webapp.core.errors import Forbidden, NotFound
from webapp.core.validation import FieldError, InvalidInput
from webapp.core.words import say
from webapp.identity.access import current_member, token_required
from webapp.identity.models import Scope
from webapp.scheduling import queries
from webapp.scheduling.api.blueprints import for_members, only_host
from webapp.scheduling.api.creating import created_once
from webapp.scheduling.models import EventType, Schedule
from webapp.scheduling.schemas.event_types import CopyIn, EventTypeChanges, EventTypeIn
from webapp.scheduling.schemas.members import EventTypeOut, EventTypesOut
from webapp.scheduling.service import event_types as service
from webapp.scheduling.service.copies import copy_event_type
from webapp.scheduling.service.event_types import LONGEST_NAME
from webapp.scheduling.service.named_schedules import choose_schedule
from webapp.scheduling.service.teams import schedule_of
from webapp.web.openapi import IdempotencyHeaders, endpoint

blueprint = for_members("scheduling_event_types_api")

_COPY = " (copy)"


@blueprint.get("/event-types")
@token_required(Scope.EVENT_TYPES_READ)
@endpoint(answers=EventTypesOut, needs_token=True, tag="Event types")
def list_event_types() -> EventTypesOut:
    """Event types, those switched off too."""
    found = queries.event_types(organization_id=current_member().organization_id, host_id=only_host())
    return EventTypesOut(items=[EventTypeOut.of(event_type) for event_type in found])


@blueprint.post("/event-types")
@token_required(Scope.EVENT_TYPES_WRITE)
@endpoint(
    answers=EventTypeOut,
    status=201,
    body=EventTypeIn,
    headers=IdempotencyHeaders,
    problems=(409,),
    needs_token=True,
    tag="Event types",
)
def create_event_type(body: EventTypeIn, headers: IdempotencyHeaders) -> EventTypeOut:
    """Make an event type of the token's holder, who is its host; guests can book it at once."""
    _require_team_may_be_chosen(body)
    made = created_once(headers=headers, body=body, create=lambda: _made(body), find=_own)
    return EventTypeOut.of(made)


@blueprint.get("/event-types/<uuid:event_type_id>")
@token_required(Scope.EVENT_TYPES_READ)
@endpoint(answers=EventTypeOut, problems=(404,), needs_token=True, tag="Event types")
def show_event_type_in_full(event_type_id: UUID) -> EventTypeOut:
    """One event type."""
    return EventTypeOut.of(_own(event_type_id))


@blueprint.patch("/event-types/<uuid:event_type_id>")
@token_required(Scope.EVENT_TYPES_WRITE)
@endpoint(answers=EventTypeOut, body=EventTypeChanges, problems=(404, 409), needs_token=True, tag="Event types")
def change_event_type(event_type_id: UUID, body: EventTypeChanges) -> EventTypeOut:
    """Change what is given of an event type; bookings already made keep their times."""
    _require_team_may_be_chosen(body)
    with transaction():
        found = _own(event_type_id)
        service.hold_still(event_type=found)
        service.update_event_type(event_type=found, details=body.changed(found))
        if body.schedule_id:
            choose_schedule(event_type=found, schedule=_schedule(body.schedule_id, found.host_id))
    return EventTypeOut.of(found)


@blueprint.delete("/event-types/<uuid:event_type_id>")
@token_required(Scope.EVENT_TYPES_WRITE)
@endpoint(answers=EventTypeOut, problems=(404, 409), needs_token=True, tag="Event types")
def delete_event_type(event_type_id: UUID) -> EventTypeOut:
    """Delete an event type that was never booked, which is shown as it was; 409 `in_use` when it was."""
    with transaction():
        found = _own(event_type_id)
        gone = EventTypeOut.of(found)
        service.delete_event_type(event_type=found)
    return gone


@blueprint.post("/event-types/<uuid:event_type_id>/activate")
@token_required(Scope.EVENT_TYPES_WRITE)
@endpoint(answers=EventTypeOut, problems=(404,), needs_token=True, tag="Event types")
def activate_event_type(event_type_id: UUID) -> EventTypeOut:
    """Open an event type to guests."""
    return _switch(event_type_id, active=True)


@blueprint.post("/event-types/<uuid:event_type_id>/deactivate")
@token_required(Scope.EVENT_TYPES_WRITE)
@endpoint(answers=EventTypeOut, problems=(404,), needs_token=True, tag="Event types")
def deactivate_event_type(event_type_id: UUID) -> EventTypeOut:
    """Close an event type to guests; bookings already made stand."""
    return _switch(event_type_id, active=False)


@blueprint.post("/event-types/<uuid:event_type_id>/copy")
@token_required(Scope.EVENT_TYPES_WRITE)
@endpoint(
    answers=EventTypeOut,
    status=201,
    body=CopyIn,
    headers=IdempotencyHeaders,
    problems=(404, 409),
    needs_token=True,
    tag="Event types",
)
def copy_of_event_type(event_type_id: UUID, body: CopyIn, headers: IdempotencyHeaders) -> EventTypeOut:
    """Make an event type on the same terms, at an address of its own; it is switched off at first."""

    def copied() -> EventType:
        found = _own(event_type_id)
        return copy_event_type(event_type=found, name=body.name or found.name[: LONGEST_NAME - len(_COPY)] + _COPY)

    return EventTypeOut.of(created_once(headers=headers, body=body, create=copied, find=_own))


def _made(body: EventTypeIn) -> EventType:
    member = current_member()
    default = schedule_of(organization_id=member.organization_id, host=member.user)
    made = service.create_event_type(
        organization_id=member.organization_id, host_id=member.user_id, schedule=default, details=body.details()
    )
    if body.schedule_id:
        choose_schedule(event_type=made, schedule=_schedule(body.schedule_id, member.user_id))
    return made


def _schedule(schedule_id: UUID, host_id: UUID) -> Schedule:
    """Return a schedule of the host; raises InvalidInput naming `schedule_id` when it is none of theirs."""
    try:
        return queries.get_schedule(current_member().organization_id, schedule_id, host_id=host_id)
    except NotFound as error:
        raise InvalidInput(
            [FieldError("schedule_id", say("Please choose one of the host's own schedules."))]
        ) from error


def _switch(event_type_id: UUID, *, active: bool) -> EventTypeOut:
    with transaction():
        found = service.set_active(event_type=_own(event_type_id), active=active)
    return EventTypeOut.of(found)


def _require_team_may_be_chosen(body: EventTypeChanges) -> None:
    """Raise Forbidden when somebody has others host who does not manage the organisation."""
    if body.team and not current_member().role.administers:
        raise Forbidden


def _own(event_type_id: UUID) -> EventType:
    return queries.get_event_type(current_member().organization_id, event_type_id, host_id=only_host())
