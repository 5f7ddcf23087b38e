"""What can be booked, and with whom."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Integer, String, Text, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.core import clock
from webapp.core.crypto import derive_token
from webapp.core.db import Base, enum_column
from webapp.identity.models import Organization, User
from webapp.scheduling.models.places import EventColor, LocationKind
from webapp.scheduling.models.schedules import Schedule

# A number whose None is written as it is, where a None would otherwise mean the default.
_OR_NULL = Integer().evaluates_none()


class EventKind(StrEnum):
    """Who comes together.

    One host with one guest, or with as many guests as there are seats; of a team the one host whose turn it is, or all.
    """

    ONE_TO_ONE = "one_to_one"
    GROUP = "group"
    ROUND_ROBIN = "round_robin"
    COLLECTIVE = "collective"


class AllDayEvents(StrEnum):
    """What all-day events in a host's connected calendars mean for an event type: no time is free, or nothing."""

    BLOCK = "block"
    IGNORE = "ignore"


class EventType(Base):
    """A kind of meeting that guests can book. All lengths in minutes.

    `kind` is chosen once and for all; a group has `seats` for more than one guest, and one length. `host` is who owns
    it, and who hosts it, by the `schedule`, unless it is the `team` that does, each by a schedule of their own.
    Guests who do not choose among the `durations` get the first. `slot_offset` is how long after an opening the first
    meeting can begin. `buffers_among_own` keeps the buffers free of meetings of the same event type only. The limits
    count meetings by the day, the week (from Monday) and the month of the schedule's zone; None is no limit. Its guests
    can bring `most_attendees` further people, and are asked to check in to what can be checked in to `check_in_since`
    then. With `requires_approval` what guests book waits for the host's yes. Guests can cancel a confirmed booking
    until `cancel_notice` and move it until `reschedule_notice` minutes before it begins, not at all where that is None;
    `policy` says so in the host's own words. A guest can book a series of `series_most` meetings at once; 1 is none.
    One that `is_secret` is found by its `secret_code` alone, of which there is another for each `link_version`.
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
        CheckConstraint("series_most BETWEEN 1 AND 52", name="series_most"),
        CheckConstraint("slot_offset BETWEEN 0 AND 1439", name="slot_offset"),
        CheckConstraint("most_attendees BETWEEN 0 AND 20", name="most_attendees"),
        CheckConstraint("limit_per_day >= 1 AND limit_per_week >= 1 AND limit_per_month >= 1", name="limits"),
        CheckConstraint(
            "cancel_notice BETWEEN 0 AND 525600 AND reschedule_notice BETWEEN 0 AND 525600", name="change_notices"
        ),
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
    most_attendees: Mapped[int] = mapped_column(default=0, server_default="0")
    check_in_since: Mapped[datetime | None]
    requires_approval: Mapped[bool] = mapped_column(default=False, server_default="false")
    cancel_notice: Mapped[int | None] = mapped_column(_OR_NULL, default=0, server_default="0")
    reschedule_notice: Mapped[int | None] = mapped_column(_OR_NULL, default=0, server_default="0")
    policy: Mapped[str] = mapped_column(Text, default="", server_default="")
    location_kind: Mapped[LocationKind] = mapped_column(
        enum_column(LocationKind, name="location_kind"), default=LocationKind.OTHER, server_default="other"
    )
    location: Mapped[str] = mapped_column(String(255), default="", server_default="")
    color: Mapped[EventColor] = mapped_column(
        enum_column(EventColor, name="color"), default=EventColor.GREEN, server_default="green"
    )
    # `service.questions` says what they look like; answers are kept under their key.
    questions: Mapped[list[dict[str, Any]]] = mapped_column(default=list, server_default=text("'[]'::jsonb"))
    waitlist_enabled: Mapped[bool] = mapped_column(default=False, server_default="false")
    all_day_events: Mapped[AllDayEvents] = mapped_column(
        enum_column(AllDayEvents, name="all_day_events"), default=AllDayEvents.BLOCK, server_default="block"
    )
    series_most: Mapped[int] = mapped_column(default=1, server_default="1")
    is_secret: Mapped[bool] = mapped_column(default=False, server_default="false")
    link_version: Mapped[int] = mapped_column(default=1, server_default="1")
    is_active: Mapped[bool] = mapped_column(default=True, server_default="true")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    organization: Mapped[Organization] = relationship(lazy="joined", innerjoin=True)
    host: Mapped[User] = relationship(lazy="joined", innerjoin=True)
    schedule: Mapped[Schedule] = relationship()
    team: Mapped[list[EventHost]] = relationship(
        cascade="all, delete-orphan", passive_deletes=True, order_by="EventHost.priority, EventHost.id"
    )

    @property
    def expects_check_in(self) -> bool:
        """True when guests are asked to check in, so that it can be known who did not come."""
        return self.check_in_since is not None

    @expects_check_in.setter
    def expects_check_in(self, expects: bool) -> None:
        """Begin now, or end: of meetings before that nobody could know that they had to be checked in to."""
        if expects != self.expects_check_in:
            self.check_in_since = clock.now() if expects else None

    @property
    def is_team(self) -> bool:
        """True when it is not its owner alone who hosts, but the `team`."""
        return self.kind in {EventKind.ROUND_ROBIN, EventKind.COLLECTIVE}

    @property
    def hosts(self) -> list[User]:
        """All who may host it; those who have left are no part of them."""
        everybody = [member.host for member in self.team] if self.is_team else [self.host]
        return [host for host in everybody if host.is_active]

    @property
    def who(self) -> str:
        """Whom guests meet, as far as it can be said before they book: the host, or of a team its organisation."""
        return self.organization.name if self.is_team else self.host.name

    @property
    def secret_code(self) -> str:
        """What the secret link ends with: the same until it is renewed, and kept nowhere."""
        return derive_token("event-type-link", str(self.id), str(self.link_version))

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
