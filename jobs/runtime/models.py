"""The rows that hold the truth about background work; Redis only carries it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, false, func, text
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.db import Base, enum_column
from webapp.core.tracing import origin


class RunState(StrEnum):
    """Where a run stands. A waiting run is due at `run_at`, be that past or future."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    DEAD = "dead"
    CANCELLED = "cancelled"


class CanvasKind(StrEnum):
    """What a node of a canvas does with its members. A chord is a chain of a group and a callback."""

    CHAIN = "chain"
    GROUP = "group"
    CHORD = "chord"
    COMPENSATION = "compensation"


class OnFailure(StrEnum):
    """What becomes of the rest when a member fails or is cancelled."""

    STOP = "stop"
    CONTINUE = "continue"
    COMPENSATE = "compensate"


class CanvasState(StrEnum):
    """Where a node stands. While stopping it waits for members that were under way, and begins no others."""

    RUNNING = "running"
    STOPPING = "stopping"
    COMPENSATING = "compensating"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    COMPENSATED = "compensated"
    CANCELLED = "cancelled"


class Outcome(StrEnum):
    """How an attempt that did not succeed ended, and so what it costs."""

    FAILED = "failed"
    INTERRUPTED = "interrupted"
    POSTPONED = "postponed"


class JobRun(Base):
    """One job to be done once, however often it takes.

    `attempt` counts claims and is the fence: whoever closes a run must name the attempt it claimed. `failures` counts
    what the retry policy charges, `interruptions` the times that the run's worker vanished. A member of a canvas has
    its `canvas_id`, its `position` there, and in `step` what the canvas wants of it: which arguments `take` the result
    before it, and the step that will `undo` it. `revoked_by` says who asked for it not to be run, or to be stopped.

    `rate_key` and `slot_key` name the limits that it is under: how many may start in a period, and how many may run at
    once. It `is_held` while it waits for one of those to end. `trace` is what `tracing.carried` has made of its cause.
    """

    __tablename__ = "job_run"
    __table_args__ = (
        CheckConstraint("(state = 'running') = (lease_until IS NOT NULL)", name="lease"),
        CheckConstraint("(state IN ('succeeded', 'dead', 'cancelled')) = (finished_at IS NOT NULL)", name="finished"),
        CheckConstraint("run_at >= '1971-01-01T00:00:00Z' AND run_at < '2200-01-01T00:00:00Z'", name="run_at"),
        Index("ix_job_run_due", "run_at", "id", postgresql_where=text("state = 'waiting'")),
        Index("ix_job_run_lease", "lease_until", postgresql_where=text("state = 'running'")),
        Index("ix_job_run_finished", "finished_at", postgresql_where=text("finished_at IS NOT NULL")),
        Index("ix_job_run_result", "finished_at", postgresql_where=text("result IS NOT NULL")),
        # For the lists of the console. Rows that run are few, and leaving them out saves a write for each run.
        Index("ix_job_run_by_name", "name", "state", "id", postgresql_where=text("state <> 'running'")),
        Index("ix_job_run_by_queue", "queue", "state", "id", postgresql_where=text("state <> 'running'")),
        Index("ix_job_run_canvas", "canvas_id", "position", postgresql_where=text("canvas_id IS NOT NULL")),
        Index("ix_job_run_parent", "parent_id", postgresql_where=text("parent_id IS NOT NULL")),
        Index("ix_job_run_dead", "finished_at", "id", postgresql_where=text("state = 'dead'")),
        Index("ix_job_run_slot", "slot_key", postgresql_where=text("state = 'running' AND slot_key IS NOT NULL")),
        Index("ix_job_run_held", "slot_key", "id", postgresql_where=text("is_held")),
        Index("ix_job_run_rate", "rate_key", "started_at", postgresql_where=text("rate_key IS NOT NULL")),
        Index(
            "ix_job_run_unique_key_done",
            "unique_key",
            "finished_at",
            postgresql_where=text("unique_key IS NOT NULL AND state = 'succeeded'"),
        ),
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
    rate_key: Mapped[str | None] = mapped_column(String(200))
    slot_key: Mapped[str | None] = mapped_column(String(200))
    is_held: Mapped[bool] = mapped_column(server_default=false())
    parent_id: Mapped[UUID | None]
    canvas_id: Mapped[UUID | None] = mapped_column(ForeignKey("job_canvas.id", ondelete="CASCADE"))
    position: Mapped[int | None]
    step: Mapped[dict[str, Any] | None]
    revoked_by: Mapped[str | None] = mapped_column(String(200))
    trace: Mapped[str] = mapped_column(String(128), server_default="")
    progress: Mapped[dict[str, Any] | None]
    result: Mapped[dict[str, Any] | None]
    error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    @property
    def request_id(self) -> str:
        """The id of the request that it goes back to, empty when none does."""
        return origin(self.trace)[0]


class JobCanvas(Base):
    """A node of a canvas: a chain, group or chord of runs and of other nodes; its root stands for the whole.

    `started`, `done`, `failed` and `cancelled` count its own members, of which it has `total`; `steps` counts the jobs
    in it at any depth. `plan` describes the members that are begun one after the other. Whoever changes any node of a
    canvas holds its root's row.
    """

    __tablename__ = "job_canvas"
    __table_args__ = (
        CheckConstraint(
            "(state IN ('running', 'stopping', 'compensating')) = (finished_at IS NULL)",
            name="finished",
        ),
        CheckConstraint("done + failed + cancelled <= total AND started <= total", name="counts"),
        Index(None, "parent_id", "position", postgresql_where=text("parent_id IS NOT NULL")),
        Index(None, "root_id"),
        Index("ix_job_canvas_ended", "finished_at", postgresql_where=text("parent_id IS NULL")),
    )

    kind: Mapped[CanvasKind] = mapped_column(enum_column(CanvasKind, name="kind"))
    on_failure: Mapped[OnFailure] = mapped_column(enum_column(OnFailure, name="on_failure"))
    state: Mapped[CanvasState] = mapped_column(enum_column(CanvasState, name="state"))
    root_id: Mapped[UUID] = mapped_column(ForeignKey("job_canvas.id", ondelete="CASCADE"))
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("job_canvas.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(default=0)
    started_by: Mapped[UUID | None]
    revoked_by: Mapped[str | None] = mapped_column(String(200))
    trace: Mapped[str] = mapped_column(String(128))
    total: Mapped[int]
    steps: Mapped[int]
    started: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    cancelled: Mapped[int] = mapped_column(default=0)
    # Not loaded with the row: it may be long, and each member that ends looks at the row.
    plan: Mapped[list[dict[str, Any]]] = mapped_column(deferred=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    finished_at: Mapped[datetime | None]

    @property
    def active(self) -> int:
        """How many of its members are begun and not over."""
        return self.started - self.done - self.failed - self.cancelled


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


class JobSchedule(Base):
    """An entry of the periodic table.

    It starts as a copy of the code's entry (`default_…`) and follows it until somebody edits it. `is_listed` says
    whether the code still has it, `is_enabled` is for people to pause it. Ticks later than `ticked_until` are to come.
    """

    __tablename__ = "job_schedule"

    name: Mapped[str] = mapped_column(String(120), unique=True)
    job: Mapped[str] = mapped_column(String(120))
    cron: Mapped[str] = mapped_column(String(200))
    timezone: Mapped[str] = mapped_column(String(64))
    arguments: Mapped[dict[str, Any]]
    default_cron: Mapped[str] = mapped_column(String(200))
    default_timezone: Mapped[str] = mapped_column(String(64))
    default_arguments: Mapped[dict[str, Any]]
    is_enabled: Mapped[bool]
    is_edited: Mapped[bool]
    is_listed: Mapped[bool]
    ticked_until: Mapped[datetime]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())


class JobTick(Base):
    """A periodic entry's tick and the run that it became; unique, so that two schedulers make one run of it.

    `asked_by` names who wanted it now; the clock leaves it empty. `problem` says why there is no run.
    """

    __tablename__ = "job_tick"
    __table_args__ = (UniqueConstraint("name", "scheduled_for"),)

    name: Mapped[str] = mapped_column(String(120))
    scheduled_for: Mapped[datetime]
    run_id: Mapped[UUID | None]
    asked_by: Mapped[str | None] = mapped_column(String(200))
    problem: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
