"""Creating things for programs, once for each `Idempotency-Key`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from flask import request

from webapp.core.db import Base, transaction
from webapp.core.idempotency import earlier_answer, remember_answer
from webapp.identity.access import current_member
from webapp.web.openapi import IdempotencyHeaders, In

T = TypeVar("T", bound=Base)


def created_once(*, headers: IdempotencyHeaders, body: In, create: Callable[[], T], find: Callable[[UUID], T]) -> T:
    """Return what `create` made for the member, as `made_once` does."""
    return made_once(f"{current_member().id}:{request.path}", headers=headers, body=body, create=create, find=find)


def made_once(
    scope: str, *, headers: IdempotencyHeaders, body: In, create: Callable[[], T], find: Callable[[UUID], T]
) -> T:
    """Return what `create` made in a transaction of its own, or what the same request made before, as it stands now.

    Only its id is kept, by which `find` has it again: an answer may hold links and people's names.
    Raises KeyReused when the key came with another body.
    """
    sent = body.model_dump(mode="json")
    with transaction():
        if headers.key and (earlier := earlier_answer(scope=scope, key=headers.key, body=sent)):
            return find(UUID(earlier["id"]))
        made = create()
        if headers.key:
            remember_answer(scope=scope, key=headers.key, answer={"id": str(made.id)})
    return made
