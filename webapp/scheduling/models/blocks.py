"""When a host is there in principle and takes no guests."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, String, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.db import Base
from webapp.scheduling.models.schedules import RANGE


class BlockedTime(Base):
    """A time that a host keeps free of guests, once. It was given in wall-clock time of `timezone`.

    `all_day` says that it was given as whole days; `title` is for the team alone.
    """

    __tablename__ = "blocked_time"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="times"),
        Index(None, "host_id", "ends_at"),
    )

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"), index=True)
    host_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    title: Mapped[str] = mapped_column(String(120), default="", server_default="")
    timezone: Mapped[str] = mapped_column(String(64))
    all_day: Mapped[bool] = mapped_column(default=False, server_default="false")
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class RecurringBlock(Base):
    """A time that a host keeps free of guests again and again, on the dates that `rule` (RFC 5545) names.

    Minutes are of the wall clock of `timezone`, from 00:00 of each date, so it keeps its hours across every change of
    the clocks; past 1440 they are on the next date. `except_days` are left out.
    """

    __tablename__ = "recurring_block"
    __table_args__ = (CheckConstraint(RANGE, name="range"),)

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"), index=True)
    host_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), index=True)
    title: Mapped[str] = mapped_column(String(120), default="", server_default="")
    timezone: Mapped[str] = mapped_column(String(64))
    first_day: Mapped[date]
    start_minute: Mapped[int]
    end_minute: Mapped[int]
    rule: Mapped[str] = mapped_column(String(500))
    except_days: Mapped[list[date]] = mapped_column(ARRAY(Date), default=list, server_default="{}")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
