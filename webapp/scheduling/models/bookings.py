"""What guests have booked."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.core.db import Base, enum_column
from webapp.core.languages import LONGEST_TAG
from webapp.identity.models import User
from webapp.scheduling.models.attendance import Attendance, Witness
from webapp.scheduling.models.attendees import BookingAttendee
from webapp.scheduling.models.event_types import EventType
from webapp.scheduling.models.meetings import Meeting
from webapp.scheduling.models.series import BookingSeries


class BookingStatus(StrEnum):
    """Where a booking stands: a pending one waits for its host to approve it, and has its seat meanwhile."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    DECLINED = "declined"
    CANCELLED = "cancelled"


class Side(StrEnum):
    """Who did something to a booking."""

    GUEST = "guest"
    HOST = "host"


class Booking(Base):
    """A guest's place in a meeting, with its host and, where a whole team comes, `further_hosts`.

    It keeps its times when it is cancelled or declined, and gives up its place in the meeting. `sequence` counts its
    moves, approvals and its end, as iCalendar wants it. `was_confirmed` from the first time on that it is, so that
    calendars know of it. A request that nobody answered in time is declined by nobody. `manage_digest` is what is kept
    of the guest's link (service/access.py). Who takes back what was said of its `attendance` has said something, too.
    """

    __tablename__ = "booking"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="times"),
        CheckConstraint("(status = 'cancelled') = (cancelled_at IS NOT NULL)", name="cancelled"),
        CheckConstraint("(status = 'declined') = (declined_at IS NOT NULL)", name="declined"),
        CheckConstraint("(status IN ('cancelled', 'declined')) = (meeting_id IS NULL)", name="meeting"),
        CheckConstraint("status <> 'confirmed' OR was_confirmed", name="was_confirmed"),
        Index(None, "organization_id", "starts_at", "id"),
        Index(None, "host_id", "starts_at", "id"),
        Index(None, "created_at"),
        CheckConstraint("(attendance_by IS NULL) = (attendance_at IS NULL)", name="attendance_said"),
        CheckConstraint("attendance = 'unknown' OR attendance_by IS NOT NULL", name="attendance_known"),
        Index("ix_booking_link_expiry", "manage_expires_at", postgresql_where=text("manage_digest IS NOT NULL")),
        Index(
            "ix_booking_unattended",
            "event_type_id",
            "ends_at",
            postgresql_where=text("status = 'confirmed' AND attendance_by IS NULL"),
        ),
        Index(
            "ix_booking_no_show",
            "organization_id",
            "starts_at",
            "id",
            postgresql_where=text("attendance = 'no_show'"),
        ),
        Index("ix_booking_pending", "organization_id", "starts_at", postgresql_where=text("status = 'pending'")),
    )

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"))
    event_type_id: Mapped[UUID] = mapped_column(ForeignKey("event_type.id"), index=True)
    host_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    # Looked at when the transaction ends: who moves leaves one meeting before there is another.
    meeting_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("meeting.id", deferrable=True, initially="DEFERRED"), index=True
    )
    series_id: Mapped[UUID | None] = mapped_column(ForeignKey("booking_series.id"), index=True)
    status: Mapped[BookingStatus] = mapped_column(enum_column(BookingStatus, name="status"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    sequence: Mapped[int] = mapped_column(default=0, server_default="0")
    was_confirmed: Mapped[bool] = mapped_column(default=True, server_default="true")

    guest_name: Mapped[str] = mapped_column(String(120))
    guest_email: Mapped[str] = mapped_column(String(254))
    guest_phone: Mapped[str | None] = mapped_column(String(20))
    guest_timezone: Mapped[str] = mapped_column(String(64))
    # The tag of the language in which the guest is written to; empty where nobody said.
    guest_locale: Mapped[str] = mapped_column(String(LONGEST_TAG), default="", server_default="")
    answers: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'::jsonb"))
    manage_digest: Mapped[str | None] = mapped_column(String(64), unique=True)
    manage_generation: Mapped[int] = mapped_column(default=0, server_default="0")
    manage_expires_at: Mapped[datetime | None]

    cancelled_at: Mapped[datetime | None]
    cancelled_by: Mapped[Side | None] = mapped_column(enum_column(Side, name="cancelled_by"))
    cancel_reason: Mapped[str] = mapped_column(String(500), default="", server_default="")
    declined_at: Mapped[datetime | None]
    declined_by: Mapped[Side | None] = mapped_column(enum_column(Side, name="declined_by"))
    decline_reason: Mapped[str] = mapped_column(String(500), default="", server_default="")
    attendance: Mapped[Attendance] = mapped_column(
        enum_column(Attendance, name="attendance"), default=Attendance.UNKNOWN, server_default="unknown"
    )
    attendance_at: Mapped[datetime | None]
    attendance_by: Mapped[Witness | None] = mapped_column(enum_column(Witness, name="attendance_by"))
    # The start that its host keeps although their hours have it no longer, and when the guest was asked to move it.
    kept_start: Mapped[datetime | None]
    move_asked_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())

    event_type: Mapped[EventType] = relationship(lazy="joined", innerjoin=True)
    host: Mapped[User] = relationship(lazy="joined", innerjoin=True)
    meeting: Mapped[Meeting | None] = relationship(viewonly=True)
    series: Mapped[BookingSeries | None] = relationship()
    further_hosts: Mapped[list[BookingHost]] = relationship(
        cascade="all, delete-orphan", passive_deletes=True, order_by="BookingHost.id"
    )

    named: Mapped[list[BookingAttendee]] = relationship(
        cascade="all, delete-orphan", passive_deletes=True, order_by="BookingAttendee.id"
    )

    @property
    def attendees(self) -> list[BookingAttendee]:
        """Whom the guest brings along: those `named` who were not taken off again."""
        return [attendee for attendee in self.named if attendee.removed_at is None]

    def attendee(self, attendee_id: UUID) -> BookingAttendee | None:
        """Return the attendee with this id; None for who was taken off, and for who has nothing to do with it."""
        return next((attendee for attendee in self.attendees if attendee.id == attendee_id), None)

    @property
    def is_asked_to_move(self) -> bool:
        """True while its host wants it at another time: not where they have asked for that, and keep it after all."""
        return self.move_asked_at is not None and self.kept_start != self.starts_at

    @property
    def hosts(self) -> list[User]:
        """Everybody who hosts it; the first is the one whom the guest answers to."""
        return [self.host, *(further.host for further in self.further_hosts)]

    def further_host(self, host_id: UUID | None) -> User | None:
        """Return the host with this id; None for the first one, and for who has nothing to do with it."""
        return next((further.host for further in self.further_hosts if further.host_id == host_id), None)

    def is_told_with_series(self, sequence: int) -> bool:
        """True when what befell it as its `sequence`-th change befell the whole series, of which one mail tells."""
        return self.series_id is not None and sequence == 0

    @property
    def minutes(self) -> int:
        """How long it takes."""
        return (self.ends_at - self.starts_at) // timedelta(minutes=1)

    @property
    def is_confirmed(self) -> bool:
        """True while the meeting is to take place."""
        return self.status is BookingStatus.CONFIRMED

    @property
    def is_pending(self) -> bool:
        """True while it waits for its host to approve or decline it."""
        return self.status is BookingStatus.PENDING

    @property
    def stands(self) -> bool:
        """True while it has its seat, and with it the hosts' time."""
        return self.is_confirmed or self.is_pending


class BookingHost(Base):
    """Another host of a booking, beside its first."""

    __tablename__ = "booking_host"
    __table_args__ = (UniqueConstraint("booking_id", "host_id"),)

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"))
    booking_id: Mapped[UUID] = mapped_column(ForeignKey("booking.id", ondelete="CASCADE"))
    host_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"), index=True)

    host: Mapped[User] = relationship(lazy="joined", innerjoin=True)
