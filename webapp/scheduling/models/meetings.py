"""What takes place, and the time that it takes of its hosts."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.core.db import Base


class Meeting(Base):
    """What takes place at one time; it is there for as long as somebody holds a seat in it, and has the hosts' time."""

    __tablename__ = "meeting"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="times"),
        CheckConstraint("1 <= seats_taken AND seats_taken <= seats", name="seats"),
        Index(None, "event_type_id", "starts_at"),
    )

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"))
    event_type_id: Mapped[UUID] = mapped_column(ForeignKey("event_type.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    seats: Mapped[int] = mapped_column(default=1, server_default="1")
    seats_taken: Mapped[int] = mapped_column(default=1, server_default="1")

    hosts: Mapped[list[HostTime]] = relationship(cascade="all, delete-orphan", passive_deletes=True)


class HostTime(Base):
    """The time that a meeting takes of one of its hosts: where there is a row, there is room for no other.

    `blocked_from`..`blocked_until` is what no other meeting of the host may overlap, and `apart_from`..`apart_until`,
    which is at least as long, what no other one of the same event type may.
    """

    __tablename__ = "host_time"
    __table_args__ = (
        CheckConstraint("blocked_from < blocked_until", name="blocked"),
        CheckConstraint("apart_from <= blocked_from AND blocked_until <= apart_until", name="apart"),
        ExcludeConstraint(
            (func.uuidrange(text("host_id"), text("host_id"), text("'[]'")), "&&"),
            (func.tstzrange(text("blocked_from"), text("blocked_until")), "&&"),
            using="gist",
            name="ex_host_time_overlap",
        ),
        ExcludeConstraint(
            (func.uuidrange(text("host_id"), text("host_id"), text("'[]'")), "&&"),
            (func.uuidrange(text("event_type_id"), text("event_type_id"), text("'[]'")), "&&"),
            (func.tstzrange(text("apart_from"), text("apart_until")), "&&"),
            using="gist",
            name="ex_host_time_apart",
        ),
        Index(None, "host_id", "apart_until"),
    )

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"))
    meeting_id: Mapped[UUID] = mapped_column(ForeignKey("meeting.id", ondelete="CASCADE"), index=True)
    event_type_id: Mapped[UUID] = mapped_column(ForeignKey("event_type.id"))
    host_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    blocked_from: Mapped[datetime]
    blocked_until: Mapped[datetime]
    apart_from: Mapped[datetime]
    apart_until: Mapped[datetime]
