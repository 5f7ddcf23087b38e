"""What happens to bookings, as others hear of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from webapp.core.events import DomainEvent


@dataclass(frozen=True, kw_only=True, slots=True)
class BookingConfirmed(DomainEvent):
    """A slot was booked and nothing more is needed."""

    booking_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class BookingRescheduled(DomainEvent):
    """A booking moved; it was at `previous_start` (UTC) before, and `sequence` counts its moves."""

    booking_id: UUID
    previous_start: datetime
    sequence: int


@dataclass(frozen=True, kw_only=True, slots=True)
class BookingCancelled(DomainEvent):
    """A booking will not take place."""

    booking_id: UUID
