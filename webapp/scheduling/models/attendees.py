"""Whom guests bring along."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, func, text
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.db import Base


class BookingAttendee(Base):
    """Somebody whom the guest of a booking has named, and who is told of it; they take no seat of their own.

    Who is taken off again stays as a row, so that they can be told; named once more, they are a row of their own.
    """

    __tablename__ = "booking_attendee"
    __table_args__ = (
        Index(
            "uq_booking_attendee_email",
            "booking_id",
            func.lower(text("email")),
            unique=True,
            postgresql_where=text("removed_at IS NULL"),
        ),
        Index(None, "booking_id"),
    )

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"))
    booking_id: Mapped[UUID] = mapped_column(ForeignKey("booking.id", ondelete="CASCADE"))
    email: Mapped[str] = mapped_column(String(254))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    removed_at: Mapped[datetime | None]
