"""Keeping a time while a guest fills in a form, for programs."""

from __future__ import annotations

from datetime import datetime

from flask import request

from webapp.core.crypto import derive_token, new_token
from webapp.core.db import transaction
from webapp.core.idempotency import earlier_answer, remember_answer
from webapp.core.settings import settings
from webapp.scheduling import queries
from webapp.scheduling.api.blueprints import for_guests
from webapp.scheduling.api.opening import opened
from webapp.scheduling.errors import HoldGone
from webapp.scheduling.models import EventType, Hold
from webapp.scheduling.schemas.guests import LinkQuery
from webapp.scheduling.schemas.holds import HoldIn, HoldOut
from webapp.scheduling.service import holds
from webapp.web.callers import caller
from webapp.web.extensions import limiter
from webapp.web.openapi import IdempotencyHeaders, endpoint

blueprint = for_guests("scheduling_holds_api")


@blueprint.post("/<org>/<event_type>/holds")
@limiter.limit(lambda: settings().rate_limit_holds)
@endpoint(answers=HoldOut, status=201, body=HoldIn, headers=IdempotencyHeaders, problems=(404, 409, 410), tag="Booking")
def create_hold(org: str, event_type: str, body: HoldIn, headers: IdempotencyHeaders) -> HoldOut:
    """Keep a time on offer for some minutes; others see it as taken.

    409 `slot_taken` when somebody else has it; 429 `too_many_holds` when as many as may be are kept for one address;
    409 `hold_gone` when the Idempotency-Key came before and what it held was let go, booked or has run out since.
    """
    bookable = opened(org, event_type, body.link)
    scope, sent = request.path, body.model_dump(mode="json")
    token = derive_token("hold", scope, headers.key) if headers.key else new_token()
    with transaction():
        if headers.key and earlier_answer(scope=scope, key=headers.key, body=sent):
            return HoldOut.of(_still_held(bookable, body.start, token), token)
        own = queries.find_hold(event_type_id=bookable.id, start=body.start, tokens=filter(None, [body.instead_of]))
        hold = holds.hold_time(
            event_type=bookable,
            start=body.start,
            duration=body.duration,
            token=token,
            holder=caller(),
            instead_of=own,
        )
        if headers.key:  # the time is for processes of the release before this one, which answer with it
            remember_answer(scope=scope, key=headers.key, answer={"expires_at": hold.expires_at.isoformat()})
    return HoldOut.of(hold, token)


@blueprint.delete("/<org>/<event_type>/holds/<token>")
@endpoint(answers=None, status=204, query=LinkQuery, problems=(404,), tag="Booking")
def delete_hold(org: str, event_type: str, token: str, query: LinkQuery) -> None:
    """Let a time go that is kept, so that others can have it; a hold that is gone already is no mistake."""
    queries.public_event_type(org, event_type, link=query.link or "")
    with transaction():
        holds.let_go(token=token)


def _still_held(event_type: EventType, start: datetime, token: str) -> Hold:
    """Return the hold that the token opens; raises HoldGone when nothing is kept by it any more."""
    hold = queries.find_hold(event_type_id=event_type.id, start=start, tokens=[token])
    if hold is None or not hold.is_live:
        raise HoldGone
    return hold
