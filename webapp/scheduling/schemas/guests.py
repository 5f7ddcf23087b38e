"""What guests' programs send and are answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self
from uuid import UUID

from pydantic import Field

from webapp.core import clock
from webapp.core.settings import settings
from webapp.identity.models import Organization
from webapp.scheduling.models import (
    Attendance,
    Booking,
    BookingStatus,
    EventColor,
    EventKind,
    EventType,
    Frequency,
    LocationKind,
    QuestionKind,
)
from webapp.scheduling.queries import series_of
from webapp.scheduling.schemas.attendees import Attendees
from webapp.scheduling.schemas.fields import (
    LINK,
    Answers,
    AnswerValue,
    AnyDay,
    Email,
    Language,
    Length,
    Moment,
    Name,
    Phone,
    Reason,
    Start,
    ZoneName,
)
from webapp.scheduling.schemas.holds import HoldToken
from webapp.scheduling.service import booking as bookings
from webapp.scheduling.service.access import has_first_link
from webapp.scheduling.service.attendance import can_check_in
from webapp.scheduling.service.event_types import NUMBERS
from webapp.scheduling.service.guests import Guest
from webapp.scheduling.service.policy import can_cancel, can_reschedule
from webapp.scheduling.service.questions import Question
from webapp.scheduling.service.series import Recurrence
from webapp.scheduling.service.standing import can_change
from webapp.web.openapi import GuestIn, Out, Query
from webapp.web.times import reader_tag

_LONGEST_SERIES = NUMBERS["series_most"].most


class LinkQuery(Query):
    """By which link one comes."""

    link: str | None = Field(None, max_length=100, description=LINK)


class DaysQuery(Query):
    """Which days, at most 62 of them, as the calendar of which zone has them."""

    start: AnyDay
    end: AnyDay = Field(description="The last day included.")
    timezone: ZoneName


class SlotsQuery(DaysQuery):
    """Which days, and for how long a meeting."""

    duration: Length | None = None
    link: str | None = Field(None, max_length=100, description=LINK)


class InviteeIn(GuestIn):
    """Who books."""

    name: Name
    email: Email
    phone: Phone | None = Field(None, description="With its country code.", examples=["+49 30 1234567"])
    locale: Language | None = Field(None, description="In which language to write to them; else the request's own.")


class RecurrenceIn(GuestIn):
    """How a booking is repeated: `count` meetings in all, at one time of day in the zone of the host's hours.

    `skip` are the starts of later ones that are left out, as 409 `occurrences_refused` names them.
    """

    frequency: Frequency
    count: int = Field(ge=2, le=_LONGEST_SERIES)
    skip: list[Start] = Field(default_factory=list, max_length=_LONGEST_SERIES)

    def recurrence(self) -> Recurrence:
        """Return it in the service's terms."""
        return Recurrence(frequency=self.frequency, count=self.count, skip=self.skip)


class MeetingIn(GuestIn):
    """What guests and hosts alike say of a booking to make."""

    start: Start
    timezone: ZoneName
    invitee: InviteeIn
    answers: Answers | None = None
    duration: Length | None = None
    attendees: Attendees | None = None

    def guest(self) -> Guest:
        """Return who books, in the service's terms."""
        invitee = self.invitee
        return Guest(
            name=invitee.name,
            email=invitee.email,
            phone=invitee.phone,
            timezone=self.timezone,
            locale=invitee.locale or reader_tag(),
        )


class BookingIn(MeetingIn):
    """A booking to make.

    `answers` go by the keys of the event type's questions: a text, of a single choice one of its options; of a multiple
    choice a list of them; a number; of a checkbox true or false; of a phone number a text with its country code.
    """

    hold: HoldToken | None = Field(None, description="The token of a hold on `start`, whose place is booked.")
    link: str | None = Field(None, max_length=100, description=LINK)
    recurrence: RecurrenceIn | None = Field(
        None, description="For a series, of at most the event type's `series_most`."
    )


class RescheduleIn(GuestIn):
    """Where a booking is to be moved."""

    start: Start


class CancelIn(GuestIn):
    """Why a booking is cancelled, if it is told."""

    reason: Reason | None = None
    rest: bool = Field(False, description="True to cancel all later bookings of its series, too.")


class QuestionOut(Out):
    """Something asked of every guest; the answer goes under `key`. A required checkbox has to be ticked.

    `options` are what choices choose among, and empty for other kinds; `long` is true of the kind `long_text`.
    """

    key: str
    label: str
    kind: QuestionKind
    required: bool
    options: list[str]
    long: bool

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Self:
        """Show a question as its event type keeps it."""
        return cls.model_validate(Question.of(kept).to_keep())


class HostOut(Out):
    """Whom one meets; where it is one of a team whose turn it is, or all, `host` names the organisation."""

    name: str


class PublicEventTypeOut(Out):
    """Something that can be booked. `url` is its page.

    `durations` are the lengths to choose from in minutes, `duration` the one that is booked without choosing; `seats`
    is how many guests can come to one meeting, `most_attendees` whom each of them can invite as well. With
    `requires_approval` a booking is `pending` until a host approves.
    Guests can cancel and move one that was confirmed, even if it is `pending` again, until `cancel_notice` and
    `reschedule_notice` minutes before it begins, not at all where that is null, unless the host asks them to move it;
    `policy` says so in the host's words.
    `location` is an address, a number, a link or a text, by its kind; with `we_call` it is empty, and the guest's phone
    number is required.
    """

    slug: str
    name: str
    kind: EventKind
    seats: int
    requires_approval: bool
    cancel_notice: int | None
    reschedule_notice: int | None
    policy: str
    description: str
    duration: int
    durations: list[int]
    location_kind: LocationKind
    location: str
    color: EventColor
    host: HostOut
    hosts: list[HostOut]
    questions: list[QuestionOut]
    most_attendees: int
    waitlist_enabled: bool
    series_most: int = Field(description="How many meetings can be booked at once as a series; 1 for none.")
    url: str

    @classmethod
    def of(cls, event_type: EventType) -> Self:
        """Show what guests may know."""
        return cls(
            slug=event_type.slug,
            name=event_type.name,
            kind=event_type.kind,
            seats=event_type.seats,
            requires_approval=event_type.requires_approval,
            cancel_notice=event_type.cancel_notice,
            reschedule_notice=event_type.reschedule_notice,
            policy=event_type.policy,
            description=event_type.description,
            duration=event_type.duration,
            durations=event_type.durations,
            location_kind=event_type.location_kind,
            location=event_type.location,
            color=event_type.color,
            host=HostOut(name=event_type.who),
            hosts=[HostOut(name=host.name) for host in event_type.hosts],
            questions=[QuestionOut.of(question) for question in event_type.questions],
            most_attendees=event_type.most_attendees,
            waitlist_enabled=event_type.waitlist_enabled,
            series_most=event_type.series_most,
            url=f"{settings().public_url}/book/{event_type.organization.slug}/{event_type.slug}",
        )


class OrganizationOut(Out):
    """A business and what can be booked with it."""

    slug: str
    name: str
    timezone: str
    event_types: list[PublicEventTypeOut]

    @classmethod
    def of(cls, organization: Organization, event_types: list[EventType]) -> Self:
        """Show what guests may know."""
        return cls(
            slug=organization.slug,
            name=organization.name,
            timezone=organization.timezone,
            event_types=[PublicEventTypeOut.of(event_type) for event_type in event_types],
        )


class OccurrenceOut(Out):
    """One booking of a series.

    `manage_url` is the guest's own page for it; null where the link that it was booked with opens nothing any more.
    """

    id: UUID
    status: BookingStatus
    start: Moment
    end: Moment
    manage_url: str | None

    @classmethod
    def of(cls, booking: Booking) -> Self:
        """Show the booking in the guest's zone, to who has the link of another one of the series."""
        zone = clock.find_zone(booking.guest_timezone)
        return cls(
            id=booking.id,
            status=booking.status,
            start=booking.starts_at.astimezone(zone),
            end=booking.ends_at.astimezone(zone),
            manage_url=bookings.manage_url(booking) if has_first_link(booking) else None,
        )


class BookingCreated(OccurrenceOut):
    """A booking just made, `pending` where a host has to approve it first.

    `manage_url` is the guest's own page to move or cancel it. Of a series, it is the first
    booking, and `series` has all of them; else there is no such field.
    """

    manage_url: str
    series: list[OccurrenceOut] = Field(default_factory=list, exclude_if=lambda series: not series)

    @classmethod
    def of(cls, booking: Booking) -> Self:
        """Show the booking, and all of its series, to who made it."""
        series = [OccurrenceOut.of(each) for each in series_of(booking)]
        own = OccurrenceOut.of(booking).model_dump() | {"manage_url": bookings.manage_url(booking)}
        return cls(**own, series=series)


class InviteeOut(Out):
    """Who booked."""

    name: str
    email: str
    phone: str | None
    timezone: str
    locale: str

    @classmethod
    def of(cls, booking: Booking) -> Self:
        """Show the guest of a booking."""
        return cls(
            name=booking.guest_name,
            email=booking.guest_email,
            phone=booking.guest_phone,
            timezone=booking.guest_timezone,
            locale=booking.guest_locale,
        )


class AttendeeOut(Out):
    """Somebody whom the guest brings along."""

    id: UUID
    email: str


class ManagedBookingOut(Out):
    """A booking as its guest sees it, in the guest's zone.

    A `pending` one waits for a host to approve it. `can_change` until it is called off or has begun; `can_cancel` and
    `can_reschedule` are what the event type allows its guest now; `can_check_in` from 15 minutes before the start until
    the end, if the event type asks for it.
    """

    id: UUID
    status: BookingStatus
    start: Moment
    end: Moment
    can_change: bool
    can_cancel: bool
    can_reschedule: bool
    can_check_in: bool
    checked_in: bool
    cancel_reason: str
    decline_reason: str
    organization: str
    event_type: PublicEventTypeOut
    invitee: InviteeOut
    attendees: list[AttendeeOut]
    answers: dict[str, AnswerValue]
    series: list[OccurrenceOut]

    @classmethod
    def of(cls, booking: Booking) -> Self:
        """Show the booking, and all of its series, to its guest."""
        zone = clock.find_zone(booking.guest_timezone)
        return cls(
            id=booking.id,
            status=booking.status,
            start=booking.starts_at.astimezone(zone),
            end=booking.ends_at.astimezone(zone),
            can_change=can_change(booking),
            can_cancel=can_cancel(booking),
            can_reschedule=can_reschedule(booking),
            can_check_in=can_check_in(booking),
            checked_in=booking.attendance is Attendance.ATTENDED,
            cancel_reason=booking.cancel_reason,
            decline_reason=booking.decline_reason,
            organization=booking.event_type.organization.slug,
            event_type=PublicEventTypeOut.of(booking.event_type),
            invitee=InviteeOut.of(booking),
            attendees=[AttendeeOut(id=attendee.id, email=attendee.email) for attendee in booking.attendees],
            answers=booking.answers,
            series=[OccurrenceOut.of(each) for each in series_of(booking)],
        )
