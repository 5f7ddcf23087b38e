"""What hosts write down about a booking for themselves."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, func
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.core.db import Base
from webapp.identity.models import User

LONGEST_NOTE = 5000


class BookingNote(Base):
    """A note of the organisation's own about a booking; no guest ever sees it."""

    __tablename__ = "booking_note"
    __table_args__ = (Index(None, "booking_id", "id"),)

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"))
    booking_id: Mapped[UUID] = mapped_column(ForeignKey("booking.id", ondelete="CASCADE"))
    author_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"), index=True)
    text: Mapped[str] = mapped_column(String(LONGEST_NOTE))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    author: Mapped[User] = relationship(lazy="joined", innerjoin=True)
