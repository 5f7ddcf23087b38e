"""Event types, for members' programs."""

from __future__ import annotations

from webapp.identity.access import current_member, token_required
from webapp.identity.models import Scope
from webapp.scheduling import queries
from webapp.scheduling.api.blueprints import for_members, only_host
from webapp.scheduling.schemas.members import EventTypeOut, EventTypesOut
from webapp.web.openapi import endpoint

blueprint = for_members("scheduling_event_types_api")


@blueprint.get("/event-types")
@token_required(Scope.EVENT_TYPES_READ)
@endpoint(answers=EventTypesOut, needs_token=True, tag="Event types")
def list_event_types() -> EventTypesOut:
    """Event types, those switched off too."""
    found = queries.event_types(organization_id=current_member().organization_id, host_id=only_host())
    return EventTypesOut(items=[EventTypeOut.of(event_type) for event_type in found])
