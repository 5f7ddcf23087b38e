"""Places that are kept for somebody who has not booked yet."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, func
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core import clock
from webapp.core.db import Base


class Hold(Base):
    """A seat in a meeting that is kept until `expires_at`: while a guest fills in the form, or for who was offered it.

    From then on it counts as free, whether or not its row and its seat are there still. `holder` says, unreadably, from
    where it was taken; who waits for a time has one offer at a time. Kept longer, it keeps its `created_at`.
    """

    __tablename__ = "hold"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="times"),
        Index(None, "holder", "expires_at"),
    )

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"))
    event_type_id: Mapped[UUID] = mapped_column(ForeignKey("event_type.id", ondelete="CASCADE"), index=True)
    meeting_id: Mapped[UUID] = mapped_column(ForeignKey("meeting.id", ondelete="CASCADE"), index=True)
    token_digest: Mapped[str] = mapped_column(String(64), unique=True)
    holder: Mapped[str | None] = mapped_column(String(64))
    waitlist_entry_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("waitlist_entry.id", ondelete="CASCADE"), unique=True
    )
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    @property
    def is_live(self) -> bool:
        """True while the seat is kept."""
        return self.expires_at > clock.now()
