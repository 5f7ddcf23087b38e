"""What is read of deliveries."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from webapp.core.db import session
from webapp.core.scope import scoped
from webapp.notifications.models import Delivery


def deliveries(*, organization_id: UUID, key_prefix: str, since: datetime) -> list[Delivery]:
    """Return what was sent since the instant `since` under keys that begin with `key_prefix`, oldest first."""
    statement = (
        scoped(Delivery, organization_id)
        .where(Delivery.created_at >= since, Delivery.idempotency_key.startswith(key_prefix, autoescape=True))
        .order_by(Delivery.created_at, Delivery.id)
    )
    return list(session().scalars(statement))
