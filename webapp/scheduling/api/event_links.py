"""Secret links and links that book once, for members' programs."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from webapp.core.db import transaction
from webapp.identity.access import current_member, token_required
from webapp.identity.models import Scope
from webapp.scheduling import queries
from webapp.scheduling.api.blueprints import for_members, only_host
from webapp.scheduling.api.creating import created_once
from webapp.scheduling.models import BookingLink, EventType
from webapp.scheduling.schemas.links import LinkIn, LinkOut, LinksOut
from webapp.scheduling.schemas.members import EventTypeOut
from webapp.scheduling.service import links
from webapp.web.openapi import IdempotencyHeaders, endpoint

blueprint = for_members("scheduling_event_links_api")


@blueprint.get("/event-types/<uuid:event_type_id>/links")
@token_required(Scope.EVENT_TYPES_READ)
@endpoint(answers=LinksOut, problems=(404,), needs_token=True, tag="Event types")
def list_booking_links(event_type_id: UUID) -> LinksOut:
    """Links that book the event type once, the latest first."""
    found = _own(event_type_id)
    return LinksOut(items=[LinkOut.of(link, found) for link in queries.booking_links(found)])


@blueprint.post("/event-types/<uuid:event_type_id>/links")
@token_required(Scope.EVENT_TYPES_WRITE)
@endpoint(
    answers=LinkOut,
    status=201,
    body=LinkIn,
    headers=IdempotencyHeaders,
    problems=(404,),
    needs_token=True,
    tag="Event types",
)
def create_booking_link(event_type_id: UUID, body: LinkIn, headers: IdempotencyHeaders) -> LinkOut:
    """Make a link that books the event type once."""
    found = _own(event_type_id)

    def create() -> BookingLink:
        return links.create_link(
            event_type=found,
            created_by=current_member().user_id,
            guest_name=body.guest_name or "",
            guest_email=body.guest_email or "",
            expires_at=body.expires_at,
        )

    find = partial(queries.get_booking_link, found)
    return LinkOut.of(created_once(headers=headers, body=body, create=create, find=find), found)


@blueprint.delete("/event-types/<uuid:event_type_id>/links/<uuid:link_id>")
@token_required(Scope.EVENT_TYPES_WRITE)
@endpoint(answers=LinkOut, problems=(404,), needs_token=True, tag="Event types")
def delete_booking_link(event_type_id: UUID, link_id: UUID) -> LinkOut:
    """Take a link back, which is shown as it was; what was booked by it stands."""
    found = _own(event_type_id)
    with transaction():
        link = queries.get_booking_link(found, link_id)
        gone = LinkOut.of(link, found)
        links.delete_link(link=link)
    return gone


@blueprint.post("/event-types/<uuid:event_type_id>/secret-link/renew")
@token_required(Scope.EVENT_TYPES_WRITE)
@endpoint(answers=EventTypeOut, problems=(404,), needs_token=True, tag="Event types")
def renew_secret_link(event_type_id: UUID) -> EventTypeOut:
    """Give a secret event type another link, which its `url` then holds; the one before opens nothing any more."""
    with transaction():
        found = links.renew_secret_link(event_type=_own(event_type_id))
    return EventTypeOut.of(found)


def _own(event_type_id: UUID) -> EventType:
    return queries.get_event_type(current_member().organization_id, event_type_id, host_id=only_host())
