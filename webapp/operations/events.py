"""What happens to the installation itself."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from webapp.core.events import DomainEvent


@dataclass(frozen=True, kw_only=True, slots=True)
class AlertRaised(DomainEvent):
    """Something has gone beyond its limit; `is_told` when who has found it tells people of it."""

    alert_id: UUID
    is_told: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class AlertRecovered(DomainEvent):
    """It is within its limit again."""

    alert_id: UUID
