"""What the daily look at an organisation's availability has found."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, func, text
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.db import Base


class AvailabilityReport(Base):
    """The latest look at one organisation; a new one takes its place.

    Each finding: {"kind": a Fault, "about": str, "path": the page where it can be put right}.
    """

    __tablename__ = "availability_report"

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"), unique=True)
    taken_at: Mapped[datetime] = mapped_column(server_default=func.now())
    findings: Mapped[list[dict[str, Any]]] = mapped_column(server_default=text("'[]'::jsonb"))
