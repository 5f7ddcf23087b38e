"""Times that hosts keep free of guests, for members' programs."""

from __future__ import annotations

from uuid import UUID

from webapp.core import clock
from webapp.core.db import transaction
from webapp.identity.access import current_member, token_required
from webapp.identity.models import Scope
from webapp.scheduling import queries
from webapp.scheduling.api.blueprints import for_members, only_host
from webapp.scheduling.api.creating import created_once
from webapp.scheduling.models import BlockedTime, RecurringBlock
from webapp.scheduling.schemas.absences import (
    BlockedTimeIn,
    BlockedTimeOut,
    BlockedTimesOut,
    RecurringBlockIn,
    RecurringBlockOut,
    RecurringBlocksOut,
)
from webapp.scheduling.service import blocks
from webapp.web.openapi import IdempotencyHeaders, endpoint

blueprint = for_members("scheduling_blocks_api")

_TAG = "Availability"


@blueprint.get("/blocked-times")
@token_required(Scope.AVAILABILITY_READ)
@endpoint(answers=BlockedTimesOut, needs_token=True, tag=_TAG)
def list_blocked_times() -> BlockedTimesOut:
    """Blocked times that are not over: the holder's own, or everybody's for who manages the organisation."""
    organization_id = current_member().organization_id
    found = queries.blocked_times(organization_id=organization_id, host_id=only_host(), after=clock.now())
    return BlockedTimesOut(items=[BlockedTimeOut.of(block) for block in found])


@blueprint.post("/blocked-times")
@token_required(Scope.AVAILABILITY_WRITE)
@endpoint(
    answers=BlockedTimeOut,
    status=201,
    body=BlockedTimeIn,
    headers=IdempotencyHeaders,
    needs_token=True,
    tag=_TAG,
)
def create_blocked_time(body: BlockedTimeIn, headers: IdempotencyHeaders) -> BlockedTimeOut:
    """Keep a time free of guests; bookings already made stay."""
    member = current_member()

    def create() -> BlockedTime:
        return blocks.block_time(organization_id=member.organization_id, host_id=member.user_id, details=body.details())

    return BlockedTimeOut.of(created_once(headers=headers, body=body, create=create, find=_blocked))


@blueprint.get("/blocked-times/<uuid:block_id>")
@token_required(Scope.AVAILABILITY_READ)
@endpoint(answers=BlockedTimeOut, problems=(404,), needs_token=True, tag=_TAG)
def show_blocked_time(block_id: UUID) -> BlockedTimeOut:
    """One blocked time."""
    return BlockedTimeOut.of(_blocked(block_id))


@blueprint.put("/blocked-times/<uuid:block_id>")
@token_required(Scope.AVAILABILITY_WRITE)
@endpoint(answers=BlockedTimeOut, body=BlockedTimeIn, problems=(404,), needs_token=True, tag=_TAG)
def change_blocked_time(block_id: UUID, body: BlockedTimeIn) -> BlockedTimeOut:
    """Say otherwise when a blocked time is, or what for."""
    with transaction():
        block = _blocked(block_id)
        blocks.change_block(block=block, details=body.details())
    return BlockedTimeOut.of(block)


@blueprint.delete("/blocked-times/<uuid:block_id>")
@token_required(Scope.AVAILABILITY_WRITE)
@endpoint(answers=BlockedTimeOut, problems=(404,), needs_token=True, tag=_TAG)
def delete_blocked_time(block_id: UUID) -> BlockedTimeOut:
    """Let guests have the time again; the answer is what was blocked."""
    with transaction():
        block = _blocked(block_id)
        said = BlockedTimeOut.of(block)
        blocks.unblock(block=block)
    return said


@blueprint.get("/recurring-blocks")
@token_required(Scope.AVAILABILITY_READ)
@endpoint(answers=RecurringBlocksOut, needs_token=True, tag=_TAG)
def list_recurring_blocks() -> RecurringBlocksOut:
    """Recurring blocks: the holder's own, or everybody's for who manages the organisation."""
    found = queries.recurring_blocks(organization_id=current_member().organization_id, host_id=only_host())
    return RecurringBlocksOut(items=[RecurringBlockOut.of(block) for block in found])


@blueprint.post("/recurring-blocks")
@token_required(Scope.AVAILABILITY_WRITE)
@endpoint(
    answers=RecurringBlockOut,
    status=201,
    body=RecurringBlockIn,
    headers=IdempotencyHeaders,
    needs_token=True,
    tag=_TAG,
)
def create_recurring_block(body: RecurringBlockIn, headers: IdempotencyHeaders) -> RecurringBlockOut:
    """Keep a time free of guests again and again; bookings already made stay."""
    member = current_member()

    def create() -> RecurringBlock:
        return blocks.block_recurring(
            organization_id=member.organization_id, host_id=member.user_id, details=body.details()
        )

    return RecurringBlockOut.of(created_once(headers=headers, body=body, create=create, find=_recurring))


@blueprint.get("/recurring-blocks/<uuid:block_id>")
@token_required(Scope.AVAILABILITY_READ)
@endpoint(answers=RecurringBlockOut, problems=(404,), needs_token=True, tag=_TAG)
def show_recurring_block(block_id: UUID) -> RecurringBlockOut:
    """One recurring block."""
    return RecurringBlockOut.of(_recurring(block_id))


@blueprint.put("/recurring-blocks/<uuid:block_id>")
@token_required(Scope.AVAILABILITY_WRITE)
@endpoint(answers=RecurringBlockOut, body=RecurringBlockIn, problems=(404,), needs_token=True, tag=_TAG)
def change_recurring_block(block_id: UUID, body: RecurringBlockIn) -> RecurringBlockOut:
    """Say otherwise when a time recurs, what for, or which days are left out."""
    with transaction():
        block = _recurring(block_id)
        blocks.change_recurring(block=block, details=body.details())
    return RecurringBlockOut.of(block)


@blueprint.delete("/recurring-blocks/<uuid:block_id>")
@token_required(Scope.AVAILABILITY_WRITE)
@endpoint(answers=RecurringBlockOut, problems=(404,), needs_token=True, tag=_TAG)
def delete_recurring_block(block_id: UUID) -> RecurringBlockOut:
    """Let guests have the time again; the answer is what recurred."""
    with transaction():
        block = _recurring(block_id)
        said = RecurringBlockOut.of(block)
        blocks.unblock(block=block)
    return said


def _blocked(block_id: UUID) -> BlockedTime:
    return queries.get_blocked_time(current_member().organization_id, block_id, host_id=only_host())


def _recurring(block_id: UUID) -> RecurringBlock:
    return queries.get_recurring_block(current_member().organization_id, block_id, host_id=only_host())
