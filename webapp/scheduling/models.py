"""What can be booked, when its host is there, and what has been booked."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String, Text, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import ARRAY, ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.core.db import Base, enum_column
from webapp.identity.models import Organization, User


class BookingStatus(StrEnum):
    """Where a booking stands."""

    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"


class EventKind(StrEnum):
    """Who comes together.

    One host with one guest, or with as many guests as there are seats; of a team the one host whose turn it is, or all.
    """

    ONE_TO_ONE = "one_to_one"
    GROUP = "group"
    ROUND_ROBIN = "round_robin"
    COLLECTIVE = "collective"


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
        lazy="selectin", cascade="all, delete-orphan", order_by="WeeklyHours.weekday, WeeklyHours.start_minute"
    )
    overrides: Mapped[list[DateOverride]] = relationship(
        lazy="selectin", cascade="all, delete-orphan", order_by="DateOverride.day, DateOverride.start_minute"
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
    """A kind of meeting that guests can book. All lengths in minutes.

    `kind` is chosen once and for all; a group has `seats` for more than one guest, and one length. `host` is who owns
    it, and who hosts it, by the `schedule`, unless it is the `team` that does, each by a schedule of their own.
    Guests who do not choose among the `durations` get the first. `slot_offset` is how long after an opening the first
    meeting can begin. `buffers_among_own` keeps the buffers free of meetings of the same event type only. The limits
    count meetings by the day, the week (from Monday) and the month of the schedule's zone; None is no limit.
    """

    __tablename__ = "event_type"
    __table_args__ = (
        UniqueConstraint("organization_id", "slug"),
        CheckConstraint("slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name="slug"),
        CheckConstraint("duration BETWEEN 5 AND 1440", name="duration"),
        CheckConstraint("slot_interval BETWEEN 5 AND 1440", name="slot_interval"),
        CheckConstraint("buffer_before BETWEEN 0 AND 720 AND buffer_after BETWEEN 0 AND 720", name="buffers"),
        CheckConstraint("minimum_notice BETWEEN 0 AND 525600", name="minimum_notice"),
        CheckConstraint("horizon_days BETWEEN 1 AND 730", name="horizon_days"),
        CheckConstraint("5 <= ALL (other_durations) AND 1440 >= ALL (other_durations)", name="other_durations"),
        CheckConstraint("seats BETWEEN 1 AND 1000 AND (kind = 'group') = (seats > 1)", name="seats"),
        CheckConstraint("kind <> 'group' OR cardinality(other_durations) = 0", name="group"),
        CheckConstraint("slot_offset BETWEEN 0 AND 1439", name="slot_offset"),
        CheckConstraint("limit_per_day >= 1 AND limit_per_week >= 1 AND limit_per_month >= 1", name="limits"),
    )

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"))
    host_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"), index=True)
    schedule_id: Mapped[UUID] = mapped_column(ForeignKey("schedule.id"), index=True)
    slug: Mapped[str] = mapped_column(String(60))
    name: Mapped[str] = mapped_column(String(120))
    kind: Mapped[EventKind] = mapped_column(
        enum_column(EventKind, name="kind"), default=EventKind.ONE_TO_ONE, server_default="one_to_one"
    )
    seats: Mapped[int] = mapped_column(default=1, server_default="1")
    description: Mapped[str] = mapped_column(Text, default="", server_default="")
    duration: Mapped[int]
    slot_interval: Mapped[int]
    buffer_before: Mapped[int] = mapped_column(default=0, server_default="0")
    buffer_after: Mapped[int] = mapped_column(default=0, server_default="0")
    minimum_notice: Mapped[int] = mapped_column(default=60, server_default="60")
    horizon_days: Mapped[int] = mapped_column(default=60, server_default="60")
    other_durations: Mapped[list[int]] = mapped_column(ARRAY(Integer), default=list, server_default="{}")
    slot_offset: Mapped[int] = mapped_column(default=0, server_default="0")
    buffers_among_own: Mapped[bool] = mapped_column(default=False, server_default="false")
    limit_per_day: Mapped[int | None]
    limit_per_week: Mapped[int | None]
    limit_per_month: Mapped[int | None]
    location: Mapped[str] = mapped_column(String(255), default="", server_default="")
    # Each: {"key": str, "label": str, "required": bool, "long": bool}; answers are kept under the key.
    questions: Mapped[list[dict[str, Any]]] = mapped_column(default=list, server_default=text("'[]'::jsonb"))
    is_active: Mapped[bool] = mapped_column(default=True, server_default="true")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    organization: Mapped[Organization] = relationship(lazy="joined", innerjoin=True)
    host: Mapped[User] = relationship(lazy="joined", innerjoin=True)
    schedule: Mapped[Schedule] = relationship()
    team: Mapped[list[EventHost]] = relationship(
        cascade="all, delete-orphan", passive_deletes=True, order_by="EventHost.priority, EventHost.id"
    )

    @property
    def is_team(self) -> bool:
        """True when it is not its owner alone who hosts, but the `team`."""
        return self.kind in {EventKind.ROUND_ROBIN, EventKind.COLLECTIVE}

    @property
    def hosts(self) -> list[User]:
        """All who may host it; of a team, those who have left are no part."""
        return [member.host for member in self.team if member.host.is_active] if self.is_team else [self.host]

    @property
    def who(self) -> str:
        """Whom guests meet, as far as it can be said before they book: the host, or of a team its organisation."""
        return self.organization.name if self.is_team else self.host.name

    @property
    def is_group(self) -> bool:
        """True when several guests come to one meeting."""
        return self.kind is EventKind.GROUP

    @property
    def durations(self) -> list[int]:
        """The lengths that guests can choose from, in minutes; the first is the one they get without choosing."""
        return [self.duration, *self.other_durations]


class EventHost(Base):
    """One of the team that hosts an event type, by the hours of their schedule; priority 1 is asked first."""

    __tablename__ = "event_host"
    __table_args__ = (
        UniqueConstraint("event_type_id", "host_id"),
        CheckConstraint("priority BETWEEN 1 AND 9", name="priority"),
    )

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"))
    event_type_id: Mapped[UUID] = mapped_column(ForeignKey("event_type.id", ondelete="CASCADE"))
    host_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"), index=True)
    schedule_id: Mapped[UUID] = mapped_column(ForeignKey("schedule.id"), index=True)
    priority: Mapped[int] = mapped_column(default=1, server_default="1")

    host: Mapped[User] = relationship(lazy="joined", innerjoin=True)
    schedule: Mapped[Schedule] = relationship(lazy="selectin")


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


class Booking(Base):
    """A guest's place in a meeting, with its host and, where a whole team comes, `further_hosts`.

    It keeps its times when it is cancelled, and gives up its place in the meeting. `sequence` counts its moves and its
    cancellation, as iCalendar wants it.
    """

    __tablename__ = "booking"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="times"),
        CheckConstraint("(status = 'cancelled') = (cancelled_at IS NOT NULL)", name="cancelled"),
        CheckConstraint("(status = 'cancelled') = (meeting_id IS NULL)", name="meeting"),
        Index(None, "organization_id", "starts_at", "id"),
        Index(None, "host_id", "starts_at", "id"),
    )

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"))
    event_type_id: Mapped[UUID] = mapped_column(ForeignKey("event_type.id"), index=True)
    host_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    # Looked at when the transaction ends: who moves leaves one meeting before there is another.
    meeting_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("meeting.id", deferrable=True, initially="DEFERRED"), index=True
    )
    status: Mapped[BookingStatus] = mapped_column(enum_column(BookingStatus, name="status"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
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
    meeting: Mapped[Meeting | None] = relationship(viewonly=True)
    further_hosts: Mapped[list[BookingHost]] = relationship(
        cascade="all, delete-orphan", passive_deletes=True, order_by="BookingHost.id"
    )

    @property
    def hosts(self) -> list[User]:
        """Everybody who hosts it; the first is the one whom the guest answers to."""
        return [self.host, *(further.host for further in self.further_hosts)]

    def further_host(self, host_id: UUID | None) -> User | None:
        """Return the host with this id; None for the first one, and for who has nothing to do with it."""
        return next((further.host for further in self.further_hosts if further.host_id == host_id), None)

    @property
    def minutes(self) -> int:
        """How long it takes."""
        return (self.ends_at - self.starts_at) // timedelta(minutes=1)

    @property
    def is_confirmed(self) -> bool:
        """True while the meeting is to take place."""
        return self.status is BookingStatus.CONFIRMED


class BookingHost(Base):
    """Another host of a booking, beside its first."""

    __tablename__ = "booking_host"
    __table_args__ = (UniqueConstraint("booking_id", "host_id"),)

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"))
    booking_id: Mapped[UUID] = mapped_column(ForeignKey("booking.id", ondelete="CASCADE"))
    host_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"), index=True)

    host: Mapped[User] = relationship(lazy="joined", innerjoin=True)
