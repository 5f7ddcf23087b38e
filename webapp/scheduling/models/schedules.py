"""When a host works."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.core.db import Base

# Minutes from 00:00 of the date on which a range begins.
RANGE = "0 <= start_minute AND start_minute < 1440 AND start_minute < end_minute AND end_minute <= 2880"


class Schedule(Base):
    """When a host works, in wall-clock time of `timezone`.

    A host may have several, and one of them is the default: what new event types and teams go by until told otherwise.
    The public holidays of its country are closed, but for those named in `worked_holidays` and where a date override
    says otherwise.
    """

    __tablename__ = "schedule"
    __table_args__ = (
        Index(
            "uq_schedule_default",
            *("organization_id", "host_id"),
            unique=True,
            postgresql_where=text("is_default"),
        ),
        CheckConstraint("holiday_country IS NOT NULL OR holiday_subdivision IS NULL", name="holidays"),
    )

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"))
    host_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(80))
    timezone: Mapped[str] = mapped_column(String(64))
    is_default: Mapped[bool] = mapped_column(default=False, server_default="false")
    holiday_country: Mapped[str | None] = mapped_column(String(2))
    holiday_subdivision: Mapped[str | None] = mapped_column(String(60))
    worked_holidays: Mapped[list[str]] = mapped_column(ARRAY(String(200)), default=list, server_default="{}")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    hours: Mapped[list[WeeklyHours]] = relationship(
        lazy="selectin", cascade="all, delete-orphan", order_by="WeeklyHours.weekday, WeeklyHours.start_minute"
    )
    overrides: Mapped[list[DateOverride]] = relationship(
        lazy="selectin", cascade="all, delete-orphan", order_by="DateOverride.day, DateOverride.start_minute"
    )


class WeeklyHours(Base):
    """One range of working time that begins on a weekday (Monday = 0), in minutes from 00:00.

    An end past 1440 is on the next date's clock.
    """

    __tablename__ = "weekly_hours"
    __table_args__ = (
        # Deferred, since the rows that replace others are written before those go.
        UniqueConstraint("schedule_id", "weekday", "start_minute", deferrable=True, initially="DEFERRED"),
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
        CheckConstraint(RANGE, name="range"),
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
        CheckConstraint(f"(start_minute = 0 AND end_minute = 0) OR ({RANGE})", name="range"),
    )

    schedule_id: Mapped[UUID] = mapped_column(ForeignKey("schedule.id", ondelete="CASCADE"))
    day: Mapped[date]
    start_minute: Mapped[int] = mapped_column(default=0)
    end_minute: Mapped[int] = mapped_column(default=0)
