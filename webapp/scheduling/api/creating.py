"""Creating things for members' programs, once for each `Idempotency-Key`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from flask import request

from webapp.core.db import transaction
from webapp.core.idempotency import earlier_answer, remember_answer
from webapp.identity.access import current_member
from webapp.web.openapi import IdempotencyHeaders, In, Out

T = TypeVar("T", bound=Out)


def created_once(kind: type[T], *, headers: IdempotencyHeaders, body: In, create: Callable[[], T]) -> T:
    """Return what `create` made in a transaction of its own, or what the member's same request was answered before.

    Raises KeyReused when the key came with another body.
    """
    scope, sent = f"{current_member().id}:{request.path}", body.model_dump(mode="json")
    with transaction():
        if headers.key and (earlier := earlier_answer(scope=scope, key=headers.key, body=sent)):
            return kind.model_validate(earlier)
        made = create()
        if headers.key:
            remember_answer(scope=scope, key=headers.key, answer=made.model_dump(mode="json"))
    return made
