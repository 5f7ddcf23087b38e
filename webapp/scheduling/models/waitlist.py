"""Who waits for a time that is taken."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.core.db import Base, enum_column
from webapp.core.languages import LONGEST_TAG
from webapp.scheduling.models.event_types import EventType


class WaitStatus(StrEnum):
    """Where somebody on a waitlist stands.

    They wait, then have an offer, which they take (`booked`), `refused`, or let lapse; or they left, were removed by
    the host, or what they waited for has passed without an offer.
    """

    WAITING = "waiting"
    OFFERED = "offered"
    BOOKED = "booked"
    REFUSED = "refused"
    LAPSED = "lapsed"
    LEFT = "left"
    REMOVED = "removed"
    PASSED = "passed"


IN_LINE = (WaitStatus.WAITING, WaitStatus.OFFERED)


class WaitlistEntry(Base):
    """A guest who waits for a meeting that begins from `wanted_from` on and before `wanted_until`.

    That is one start, or a whole `day` of the guest's zone. Who came first has the lower id. Each gets one offer: to
    begin at `offered_start`, until `offer_expires_at`; meanwhile a hold keeps it. `duration` is in minutes.
    """

    __tablename__ = "waitlist_entry"
    __table_args__ = (
        CheckConstraint("wanted_from < wanted_until", name="wanted"),
        CheckConstraint(
            "status <> 'offered' OR (offered_start IS NOT NULL AND offer_expires_at IS NOT NULL)", name="offer"
        ),
        CheckConstraint("(status = 'booked') = (booking_id IS NOT NULL)", name="booking"),
        Index(
            "uq_waitlist_entry_in_line",
            "event_type_id",
            func.lower(text("guest_email")),
            "wanted_from",
            "wanted_until",
            unique=True,
            postgresql_where=text("status IN ('waiting', 'offered')"),
        ),
        Index(
            "ix_waitlist_entry_in_line",
            "event_type_id",
            "id",
            postgresql_where=text("status IN ('waiting', 'offered')"),
        ),
    )

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"), index=True)
    event_type_id: Mapped[UUID] = mapped_column(ForeignKey("event_type.id", ondelete="CASCADE"))
    status: Mapped[WaitStatus] = mapped_column(enum_column(WaitStatus, name="status"), default=WaitStatus.WAITING)
    wanted_from: Mapped[datetime]
    wanted_until: Mapped[datetime]
    day: Mapped[date | None]
    duration: Mapped[int]

    guest_name: Mapped[str] = mapped_column(String(120))
    guest_email: Mapped[str] = mapped_column(String(254))
    guest_phone: Mapped[str | None] = mapped_column(String(20))
    guest_timezone: Mapped[str] = mapped_column(String(64))
    guest_locale: Mapped[str] = mapped_column(String(LONGEST_TAG), default="", server_default="")
    answers: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'::jsonb"))
    token_digest: Mapped[str] = mapped_column(String(64), unique=True)

    offered_start: Mapped[datetime | None]
    offer_expires_at: Mapped[datetime | None]
    booking_id: Mapped[UUID | None] = mapped_column(ForeignKey("booking.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    event_type: Mapped[EventType] = relationship(lazy="joined", innerjoin=True)

    @property
    def is_in_line(self) -> bool:
        """True while a time may come of it."""
        return self.status in IN_LINE
