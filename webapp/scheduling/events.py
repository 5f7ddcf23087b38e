"""What happens to bookings, as others hear of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from webapp.core.events import DomainEvent

_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


@dataclass(frozen=True, kw_only=True, slots=True)
class BookingEvent(DomainEvent):
    """Something happened to a booking, and the history of bookings has it."""

    booking_id: UUID

    @property
    def what(self) -> str:
        """What it was, as the history calls it: `rescheduled` for BookingRescheduled. So a name stays as it is."""
        return _CAPITAL.sub("_", type(self).__name__.removeprefix("Booking")).lower()


@dataclass(frozen=True, kw_only=True, slots=True)
class BookingRequested(BookingEvent):
    """A guest asks for a slot, which is theirs until a host approves or declines; `sequence` as in the booking."""

    sequence: int


@dataclass(frozen=True, kw_only=True, slots=True)
class BookingConfirmed(BookingEvent):
    """A slot was booked, or approved, and nothing more is needed; `sequence` as in the booking."""

    sequence: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class BookingDeclined(BookingEvent):
    """A request was not approved, by a host or because its time has come, and its slot is free again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BookingRescheduled(BookingEvent):
    """A booking moved; it was at `previous_start` (UTC) before, and `sequence` counts its moves."""

    previous_start: datetime
    sequence: int


@dataclass(frozen=True, kw_only=True, slots=True)
class BookingMoveAsked(BookingEvent):
    """Its host asked the guest, at `asked_at` (UTC), to move a booking that no longer suits."""

    asked_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class BookingCancelled(BookingEvent):
    """A booking will not take place; `together` with others of its series, of which SeriesCancelled tells."""

    together: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class BookingAttended(BookingEvent):
    """The guest was there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BookingNoShow(BookingEvent):
    """The guest was not there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BookingAttendanceUndone(BookingEvent):
    """The host took back what was said of who came."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BookingAttendeeAdded(BookingEvent):
    """The guest named somebody to come along, after the booking was made."""

    attendee_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class BookingAttendeeRemoved(BookingEvent):
    """The guest took somebody off who was to come along."""

    attendee_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class BookingLinkRevoked(BookingEvent):
    """The links that the guest was sent open nothing any more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BookingHealthSeen(DomainEvent):
    """Somebody looked how booking goes in the whole installation.

    `late_confirmations` guests wait too long for their confirmation, and `late_offers` of waitlists were not passed on
    when they were over; `made` bookings were made in 24 hours, and `made_week_before` in the same hours a week earlier.
    """

    late_confirmations: int
    late_offers: int
    made: int
    made_week_before: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PlaceFreed(DomainEvent):
    """Time of these hosts that somebody waits for may have become free, other than by a booking's move or end."""

    host_ids: tuple[UUID, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitlistEvent(DomainEvent):
    """Something happened to somebody on a waitlist."""

    entry_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitlistJoined(WaitlistEvent):
    """A guest waits for a time that is taken."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitlistOffered(WaitlistEvent):
    """The first in line was offered a time, which is held for them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitlistOfferLapsed(WaitlistEvent):
    """Nobody answered an offer in time."""


class Change(StrEnum):
    """What has changed of when somebody is free."""

    HOURS = "hours_change"
    DATE_OVERRIDE = "date_override_change"
    BLOCKED_TIME = "blocked_time_change"
    RECURRING_BLOCK = "recurring_block_change"
    OUT_OF_OFFICE = "out_of_office_change"
    EVENT_TYPE = "event_type_change"
    BOOKING = "booking_change"


@dataclass(frozen=True, kw_only=True, slots=True)
class AvailabilityChanged(DomainEvent):
    """Some hosts, or whoever hosts an event type, are free at other times than before.

    What changed lies between `begin` and `until` (aware), or anywhere when they are None.
    """

    change: Change
    host_ids: tuple[UUID, ...] = ()
    event_type_id: UUID | None = None
    begin: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AvailabilityFaultsFound(DomainEvent):
    """The daily look at an organisation's availability has found something that it had not the day before."""

    report_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class SeriesBooked(DomainEvent):
    """The bookings of a series have been made; each was told of on its own as well."""

    series_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class SeriesCancelled(DomainEvent):
    """These bookings of a series were cancelled together; each was told of on its own as well."""

    booking_ids: list[UUID]
