"""Links that book once."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, String, func
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.crypto import derive_token
from webapp.core.db import Base


class BookingLink(Base):
    """A link that opens an event type for one booking, whoever makes it; the guest's name and e-mail fill in the form.

    Its token is derived from its id and kept as a digest only. `used_at` decides whether it has been used.
    """

    __tablename__ = "booking_link"

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"))
    event_type_id: Mapped[UUID] = mapped_column(ForeignKey("event_type.id", ondelete="CASCADE"), index=True)
    created_by: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    token_digest: Mapped[str] = mapped_column(String(64), unique=True)
    guest_name: Mapped[str] = mapped_column(String(120), default="", server_default="")
    guest_email: Mapped[str] = mapped_column(String(254), default="", server_default="")
    expires_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    booking_id: Mapped[UUID | None] = mapped_column(ForeignKey("booking.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    @property
    def token(self) -> str:
        """The token in its address, always the same."""
        return derive_token("booking-link", str(self.id))
