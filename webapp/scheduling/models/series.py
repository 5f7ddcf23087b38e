"""Bookings that a guest makes together, again and again at the same time."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, String, func
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.db import Base, enum_column


class Frequency(StrEnum):
    """How far apart the meetings of a series are; monthly ones keep their weekday, as in every second Tuesday."""

    WEEKLY = "weekly"
    EVERY_TWO_WEEKS = "every_two_weeks"
    MONTHLY = "monthly"


class BookingSeries(Base):
    """What the bookings of a series have in common: their time of day on the clocks of `timezone`, the host's."""

    __tablename__ = "booking_series"

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"))
    event_type_id: Mapped[UUID] = mapped_column(ForeignKey("event_type.id"), index=True)
    frequency: Mapped[Frequency] = mapped_column(enum_column(Frequency, name="frequency"))
    timezone: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
