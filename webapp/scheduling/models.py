"""What can be booked, when its host is there, and what has been booked."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.core.db import Base, enum_column
from webapp.identity.models import Organization, User


class BookingStatus(StrEnum):
    """Where a booking stands."""

    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"


class Side(StrEnum):
    """Who did something to a booking."""

    GUEST = "guest"
    HOST = "host"


class Schedule(Base):
    """When a host works, in wall-clock time of `timezone`."""

    __tablename__ = "schedule"

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"))
    host_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(80))
    timezone: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    hours: Mapped[list[WeeklyHours]] = relationship(
        cascade="all, delete-orphan", order_by="WeeklyHours.weekday, WeeklyHours.start_minute"
    )
    overrides: Mapped[list[DateOverride]] = relationship(
        cascade="all, delete-orphan", order_by="DateOverride.day, DateOverride.start_minute"
    )


class WeeklyHours(Base):
    """One range of working time on a weekday (Monday = 0), in minutes from 00:00."""

    __tablename__ = "weekly_hours"
    __table_args__ = (
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
        CheckConstraint("0 <= start_minute AND start_minute < end_minute AND end_minute <= 1440", name="range"),
    )

    schedule_id: Mapped[UUID] = mapped_column(ForeignKey("schedule.id", ondelete="CASCADE"), index=True)
    weekday: Mapped[int]
    start_minute: Mapped[int]
    end_minute: Mapped[int]


class DateOverride(Base):
    """Replaces the weekly hours on one date: a range that is open, or a closed day when both minutes are 0."""

    __tablename__ = "date_override"
    __table_args__ = (
        UniqueConstraint("schedule_id", "day", "start_minute"),
        CheckConstraint(
            "(start_minute = 0 AND end_minute = 0) OR "
            "(0 <= start_minute AND start_minute < end_minute AND end_minute <= 1440)",
            name="range",
        ),
    )

    schedule_id: Mapped[UUID] = mapped_column(ForeignKey("schedule.id", ondelete="CASCADE"))
    day: Mapped[date]
    start_minute: Mapped[int] = mapped_column(default=0)
    end_minute: Mapped[int] = mapped_column(default=0)


class EventType(Base):
    """A kind of meeting that guests can book with one host. All lengths in minutes."""

    __tablename__ = "event_type"
    __table_args__ = (
        UniqueConstraint("organization_id", "slug"),
        CheckConstraint("slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name="slug"),
        CheckConstraint("duration BETWEEN 5 AND 1440", name="duration"),
        CheckConstraint("slot_interval BETWEEN 5 AND 1440", name="slot_interval"),
        CheckConstraint("buffer_before BETWEEN 0 AND 720 AND buffer_after BETWEEN 0 AND 720", name="buffers"),
        CheckConstraint("minimum_notice BETWEEN 0 AND 525600", name="minimum_notice"),
        CheckConstraint("horizon_days BETWEEN 1 AND 730", name="horizon_days"),
    )

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"))
    host_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"), index=True)
    schedule_id: Mapped[UUID] = mapped_column(ForeignKey("schedule.id"), index=True)
    slug: Mapped[str] = mapped_column(String(60))
    name: Mapped[str] = mapped_column(String(120))
    description: Mapped[str] = mapped_column(Text, default="", server_default="")
    duration: Mapped[int]
    slot_interval: Mapped[int]
    buffer_before: Mapped[int] = mapped_column(default=0, server_default="0")
    buffer_after: Mapped[int] = mapped_column(default=0, server_default="0")
    minimum_notice: Mapped[int] = mapped_column(default=60, server_default="60")
    horizon_days: Mapped[int] = mapped_column(default=60, server_default="60")
    location: Mapped[str] = mapped_column(String(255), default="", server_default="")
    # Each: {"key": str, "label": str, "required": bool, "long": bool}; answers are kept under the key.
    questions: Mapped[list[dict[str, Any]]] = mapped_column(default=list, server_default=text("'[]'::jsonb"))
    is_active: Mapped[bool] = mapped_column(default=True, server_default="true")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    organization: Mapped[Organization] = relationship(lazy="joined", innerjoin=True)
    host: Mapped[User] = relationship(lazy="joined", innerjoin=True)
    schedule: Mapped[Schedule] = relationship()


class Booking(Base):
    """A meeting of one guest and one host.

    `blocked_from` and `blocked_until` are its time with the buffers around it; the database refuses a second confirmed
    booking of the same host that overlaps it. `sequence` counts its moves and its cancellation, as iCalendar wants it.
    """

    __tablename__ = "booking"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="times"),
        CheckConstraint("blocked_from <= starts_at AND ends_at <= blocked_until", name="blocked"),
        CheckConstraint("(status = 'cancelled') = (cancelled_at IS NOT NULL)", name="cancelled"),
        ExcludeConstraint(
            (func.uuidrange(text("host_id"), text("host_id"), text("'[]'")), "&&"),
            (func.tstzrange(text("blocked_from"), text("blocked_until")), "&&"),
            using="gist",
            where=text("status = 'confirmed'"),
            name="ex_booking_host_overlap",
        ),
        Index(None, "organization_id", "starts_at", "id"),
        Index(None, "host_id", "starts_at", "id"),
        Index("ix_booking_host_confirmed", "host_id", "blocked_until", postgresql_where=text("status = 'confirmed'")),
    )

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"))
    event_type_id: Mapped[UUID] = mapped_column(ForeignKey("event_type.id"), index=True)
    host_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    status: Mapped[BookingStatus] = mapped_column(enum_column(BookingStatus, name="status"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    blocked_from: Mapped[datetime]
    blocked_until: Mapped[datetime]
    sequence: Mapped[int] = mapped_column(default=0, server_default="0")

    guest_name: Mapped[str] = mapped_column(String(120))
    guest_email: Mapped[str] = mapped_column(String(254))
    guest_phone: Mapped[str | None] = mapped_column(String(20))
    guest_timezone: Mapped[str] = mapped_column(String(64))
    answers: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'::jsonb"))
    manage_digest: Mapped[str] = mapped_column(String(64), unique=True)

    cancelled_at: Mapped[datetime | None]
    cancelled_by: Mapped[Side | None] = mapped_column(enum_column(Side, name="cancelled_by"))
    cancel_reason: Mapped[str] = mapped_column(String(500), default="", server_default="")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())

    event_type: Mapped[EventType] = relationship(lazy="joined", innerjoin=True)
    host: Mapped[User] = relationship(lazy="joined", innerjoin=True)

    @property
    def is_confirmed(self) -> bool:
        """True while the meeting is to take place."""
        return self.status is BookingStatus.CONFIRMED
