"""What became of each booking, and whose doing it was."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.acting import ActorKind
from webapp.core.db import Base, enum_column


class BookingChange(Base):
    """Something that happened to a booking: `what`, as its event is called, and by whom.

    `details` holds what it changed, by name: `{"starts_at": {"old": …, "new": …}}`. The first change of a booking holds
    all there was, so that what comes later can be told apart from it.
    """

    __tablename__ = "booking_change"
    __table_args__ = (
        CheckConstraint("(actor = 'member') = (user_id IS NOT NULL)", name="member"),
        Index(None, "booking_id", "happened_at", "id"),
    )

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"))
    booking_id: Mapped[UUID] = mapped_column(ForeignKey("booking.id", ondelete="CASCADE"))
    happened_at: Mapped[datetime]
    what: Mapped[str] = mapped_column(String(60))
    actor: Mapped[ActorKind] = mapped_column(enum_column(ActorKind, name="actor"))
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id"))
    details: Mapped[dict[str, Any]]
