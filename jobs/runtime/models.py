"""The rows that hold the truth about background work; Redis only carries it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.db import Base, enum_column


class RunState(StrEnum):
    """Where a run stands. A waiting run is due at `run_at`, be that past or future."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    DEAD = "dead"
    CANCELLED = "cancelled"


class Outcome(StrEnum):
    """How an attempt that did not succeed ended, and so what it costs."""

    FAILED = "failed"
    INTERRUPTED = "interrupted"
    POSTPONED = "postponed"


class JobRun(Base):
    """One job to be done once, however often it takes.

    `attempt` counts claims and is the fence: whoever closes a run must name the attempt it claimed. `failures` counts
    what the retry policy charges, `interruptions` the times that the run's worker vanished.
    """

    __tablename__ = "job_run"
    __table_args__ = (
        CheckConstraint("(state = 'running') = (lease_until IS NOT NULL)", name="lease"),
        CheckConstraint("(state IN ('succeeded', 'dead', 'cancelled')) = (finished_at IS NOT NULL)", name="finished"),
        Index("ix_job_run_due", "run_at", "id", postgresql_where=text("state = 'waiting'")),
        Index("ix_job_run_lease", "lease_until", postgresql_where=text("state = 'running'")),
        Index("ix_job_run_finished", "finished_at", postgresql_where=text("finished_at IS NOT NULL")),
        Index("ix_job_run_parent", "parent_id", postgresql_where=text("parent_id IS NOT NULL")),
        Index(
            "uq_job_run_unique_key",
            "unique_key",
            unique=True,
            postgresql_where=text("unique_key IS NOT NULL AND state IN ('waiting', 'running')"),
        ),
    )

    name: Mapped[str] = mapped_column(String(120))
    queue: Mapped[str] = mapped_column(String(40))
    lane: Mapped[str] = mapped_column(String(10))
    arguments: Mapped[dict[str, Any]]
    state: Mapped[RunState] = mapped_column(enum_column(RunState, name="state"))
    run_at: Mapped[datetime]
    attempt: Mapped[int] = mapped_column(server_default="0")
    failures: Mapped[int] = mapped_column(server_default="0")
    interruptions: Mapped[int] = mapped_column(server_default="0")
    lease_until: Mapped[datetime | None]
    worker: Mapped[str | None] = mapped_column(String(120))
    unique_key: Mapped[str | None] = mapped_column(String(200))
    parent_id: Mapped[UUID | None]
    trace: Mapped[str] = mapped_column(String(64), server_default="")
    progress: Mapped[dict[str, Any] | None]
    result: Mapped[dict[str, Any] | None]
    error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class JobAttempt(Base):
    """An attempt that did not succeed: what went wrong, where, and when."""

    __tablename__ = "job_attempt"
    __table_args__ = (Index(None, "run_id", "attempt"),)

    run_id: Mapped[UUID] = mapped_column(ForeignKey("job_run.id", ondelete="CASCADE"))
    attempt: Mapped[int]
    outcome: Mapped[Outcome] = mapped_column(enum_column(Outcome, name="outcome"))
    worker: Mapped[str | None] = mapped_column(String(120))
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime] = mapped_column(server_default=func.now())
    error_type: Mapped[str] = mapped_column(String(200))
    error: Mapped[str] = mapped_column(Text)
    traceback: Mapped[str] = mapped_column(Text, server_default="")


class JobTick(Base):
    """A periodic entry's tick that became a run; unique, so that two schedulers make one run of it."""

    __tablename__ = "job_tick"
    __table_args__ = (UniqueConstraint("name", "scheduled_for"),)

    name: Mapped[str] = mapped_column(String(120))
    scheduled_for: Mapped[datetime]
    run_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
