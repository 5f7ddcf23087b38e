"""What the console remembers: who changed what, what is wrong or was, and how the queues were doing."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, Text, func, text
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.db import Base, enum_column


class Via(StrEnum):
    """By what way somebody made a change."""

    PAGE = "page"
    API = "api"
    COMMAND = "command"


class Action(StrEnum):
    """What was done to the background jobs."""

    REVOKE = "revoke"
    ENQUEUE = "enqueue"
    REPLAY = "replay"
    REPLAY_ALL = "replay_all"
    DISCARD = "discard"
    EDIT_SCHEDULE = "edit_schedule"
    RESET_SCHEDULE = "reset_schedule"
    PAUSE_SCHEDULE = "pause_schedule"
    RESUME_SCHEDULE = "resume_schedule"
    RUN_SCHEDULE = "run_schedule"
    CLOSE_BREAKER = "close_breaker"


class OperationsAction(Base):
    """A change that somebody made to the background jobs.

    `subject` is a run's id, the name of a job or a schedule, or what was searched for.
    `actor` is their address as it was, or the account of the machine for a command.
    """

    __tablename__ = "operations_action"

    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id", ondelete="SET NULL"))
    actor: Mapped[str] = mapped_column(String(254))
    via: Mapped[Via] = mapped_column(enum_column(Via, name="via"))
    action: Mapped[Action] = mapped_column(enum_column(Action, name="action"))
    subject: Mapped[str] = mapped_column(String(200), index=True)
    details: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)


class AlertKind(StrEnum):
    """What can be wrong."""

    SLOW_JOB = "slow_job"
    FAILURES = "failures"
    DEEP_QUEUE = "deep_queue"
    MEMORY = "memory"
    NO_WORKER = "no_worker"
    NO_SCHEDULER = "no_scheduler"
    NO_REDIS = "no_redis"
    LATE_CONFIRMATIONS = "late_confirmations"
    FEW_BOOKINGS = "few_bookings"
    LATE_OFFERS = "late_offers"
    CACHE_MISSES = "cache_misses"


# Of these a watchman tells at once, since jobs may have nobody to run them.
ABSENCES = frozenset({AlertKind.NO_WORKER, AlertKind.NO_SCHEDULER, AlertKind.NO_REDIS})

# These are looked at once an hour.
HOURLY = frozenset({AlertKind.LATE_CONFIRMATIONS, AlertKind.FEW_BOOKINGS, AlertKind.LATE_OFFERS})


class Alert(Base):
    """One incident: raised once, told once, recovered once. At most one per kind and subject is open.

    `value` is the worst that was seen and `limit_value` what would have been all right: seconds, a share of 1, jobs.
    """

    __tablename__ = "operations_alert"
    __table_args__ = (
        Index(
            "uq_operations_alert_open", "kind", "subject", unique=True, postgresql_where=text("recovered_at IS NULL")
        ),
    )

    kind: Mapped[AlertKind] = mapped_column(enum_column(AlertKind, name="kind"))
    subject: Mapped[str] = mapped_column(String(200))
    value: Mapped[float]
    limit_value: Mapped[float]
    raised_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
    seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    recovered_at: Mapped[datetime | None]
    note: Mapped[str] = mapped_column(Text, server_default="")


class QueueSample(Base):
    """The counts of all processes and the depth of the queues at one moment; two of them make a rate."""

    __tablename__ = "operations_sample"

    taken_at: Mapped[datetime] = mapped_column(server_default=func.now(), unique=True)
    numbers: Mapped[dict[str, Any]]
