"""When a host is not there at all."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, func, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.core.db import Base
from webapp.identity.models import User


class OutOfOffice(Base):
    """Whole days, both included, of `timezone` on which a host is away.

    `stand_in` is who hosts their one-to-one event types meanwhile, if anybody does; `note` is for the team alone.
    """

    __tablename__ = "out_of_office"
    __table_args__ = (
        CheckConstraint("first_day <= last_day", name="days"),
        CheckConstraint("stand_in_id <> host_id", name="stand_in"),
        ExcludeConstraint(
            (func.uuidrange(text("host_id"), text("host_id"), text("'[]'")), "&&"),
            (func.uuidrange(text("organization_id"), text("organization_id"), text("'[]'")), "&&"),
            (func.daterange(text("first_day"), text("last_day"), text("'[]'")), "&&"),
            using="gist",
            name="ex_out_of_office_overlap",
        ),
        Index(None, "host_id", "last_day"),
    )

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"))
    host_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    stand_in_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id", ondelete="SET NULL"), index=True)
    timezone: Mapped[str] = mapped_column(String(64))
    first_day: Mapped[date]
    last_day: Mapped[date]
    note: Mapped[str] = mapped_column(String(500), default="", server_default="")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    host: Mapped[User] = relationship(lazy="joined", innerjoin=True, foreign_keys=[host_id])
    stand_in: Mapped[User | None] = relationship(lazy="joined", foreign_keys=[stand_in_id])
