"""`Idempotency-Key`: a creating POST that is sent again is answered with what it made, and creates nothing more.

What is kept for that are facts from which the answer is written again, never a token that opens something.
"""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import Any, ClassVar

from sqlalchemy import Boolean, Label, literal_column, select
from sqlalchemy.dialects.postgresql import insert

from webapp.core.db import session
from webapp.core.errors import DomainError
from webapp.core.models import IdempotentRequest
from webapp.core.words import say

# PostgreSQL's own mark of a row that nobody has written over.
_IS_NEW: Label[bool] = literal_column("xmax = 0", Boolean).label("is_new")
# For so long a key is known; sent again after that, it makes something new.
KEEP_KEYS = timedelta(hours=24)


class KeyReused(DomainError):
    """The key was used before, for something else."""

    code: ClassVar[str] = "idempotency_key_reused"
    status: ClassVar[int] = 422
    message: ClassVar[str] = say("This Idempotency-Key came with a different request before; use a fresh one.")


def earlier_answer(*, scope: str, key: str, body: object) -> dict[str, Any] | None:
    """Return what was kept of this request's answer before, or None when it is new and now belongs to this transaction.

    A twin that is still being worked on is waited for, since both write the same unique row. Raises KeyReused when
    the key came with another body.
    """
    digest = hashlib.sha256(json.dumps(body, sort_keys=True, default=str).encode()).hexdigest()
    asked = insert(IdempotentRequest).values(scope=scope, key=key, body_digest=digest)
    # Touching the earlier one keeps it from being purged just now.
    kept = asked.on_conflict_do_update(index_elements=["scope", "key"], set_={"key": asked.excluded.key})
    facts = (IdempotentRequest.body_digest, IdempotentRequest.answer, _IS_NEW)
    found = session().execute(kept.returning(*facts)).one()
    if found.is_new:
        return None
    if found.body_digest != digest:
        raise KeyReused
    answer: dict[str, Any] | None = found.answer
    return answer


def remember_answer(*, scope: str, key: str, answer: dict[str, Any]) -> None:
    """Keep `answer`, without any token, for the request that `earlier_answer` found to be new; same transaction."""
    session().execute(select(IdempotentRequest).filter_by(scope=scope, key=key)).scalar_one().answer = answer
