"""What was sent to whom, and what became of it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.db import Base, enum_column


class Channel(StrEnum):
    """By what way something is told."""

    EMAIL = "email"


class DeliveryStatus(StrEnum):
    """How far a delivery got; `sending` while a server is being talked to."""

    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"


class Delivery(Base):
    """One message to one recipient on one channel; the unique key is what makes a job run twice send once."""

    __tablename__ = "delivery"
    __table_args__ = (Index(None, "organization_id", "created_at"),)

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"))
    idempotency_key: Mapped[str] = mapped_column(String(200), unique=True)
    channel: Mapped[Channel] = mapped_column(enum_column(Channel, name="channel"))
    template: Mapped[str] = mapped_column(String(80))
    recipient: Mapped[str] = mapped_column(String(254))
    subject: Mapped[str] = mapped_column(Text, default="", server_default="")
    status: Mapped[DeliveryStatus] = mapped_column(enum_column(DeliveryStatus, name="status"))
    message_id: Mapped[str] = mapped_column(String(255))
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    answer: Mapped[str] = mapped_column(Text, default="", server_default="")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    sent_at: Mapped[datetime | None]
