"""What members' programs send and are answered."""

from __future__ import annotations

from typing import Self
from uuid import UUID

from webapp.identity.models import User
from webapp.scheduling.models import AllDayEvents, Attendance, Booking, BookingStatus, EventType, Side, Witness
from webapp.scheduling.schemas.fields import AnswerValue, Moment
from webapp.scheduling.schemas.guests import InviteeOut, PublicEventTypeOut
from webapp.scheduling.service.links import page_url
from webapp.web.openapi import Out


class TeamMemberOut(Out):
    """One of the team that hosts an event type; priority 1 is asked first."""

    host_id: UUID
    priority: int


class EventTypeOut(PublicEventTypeOut):
    """An event type as its organisation sees it. Lengths in minutes, the horizon in days.

    `url` is the address to share: of a secret one, its secret link.
    """

    id: UUID
    is_active: bool
    all_day_events: AllDayEvents
    schedule_id: UUID
    team: list[TeamMemberOut]
    is_secret: bool
    other_durations: list[int]
    slot_interval: int
    buffer_before: int
    buffer_after: int
    minimum_notice: int
    horizon_days: int
    slot_offset: int
    buffers_among_own: bool
    limit_per_day: int | None
    limit_per_week: int | None
    limit_per_month: int | None
    expects_check_in: bool

    @classmethod
    def of(cls, event_type: EventType) -> Self:
        """Show all of it."""
        public = PublicEventTypeOut.of(event_type).model_copy(update={"url": page_url(event_type)})
        own = {name: getattr(event_type, name) for name in cls.model_fields.keys() - public.__class__.model_fields}
        own["team"] = [TeamMemberOut(host_id=host.host_id, priority=host.priority) for host in event_type.team]
        return cls.model_validate({**public.model_dump(), **own})


class EventTypesOut(Out):
    """The event types that the token's holder may see."""

    items: list[EventTypeOut]


class BookedTypeOut(Out):
    """What was booked."""

    id: UUID
    slug: str
    name: str


class MemberOut(Out):
    """Who hosts."""

    id: UUID
    name: str

    @classmethod
    def of(cls, user: User) -> Self:
        """Show a member by name."""
        return cls(id=user.id, name=user.name)


class BookingOut(Out):
    """A booking as its organisation sees it, in UTC; `sequence` is raised whenever it is moved, approved or ended.

    Of a declined one, `declined_by` is null when nobody had answered before its start.
    """

    id: UUID
    status: BookingStatus
    start: Moment
    end: Moment
    sequence: int
    series_id: UUID | None
    event_type: BookedTypeOut
    host: MemberOut
    hosts: list[MemberOut]
    invitee: InviteeOut
    attendees: list[str]
    answers: dict[str, AnswerValue]
    created_at: Moment
    cancelled_at: Moment | None
    cancelled_by: Side | None
    cancel_reason: str
    declined_at: Moment | None
    declined_by: Side | None
    decline_reason: str
    attendance: Attendance
    attendance_at: Moment | None
    attendance_by: Witness | None

    @classmethod
    def of(cls, booking: Booking) -> Self:
        """Show all of it."""
        kind = booking.event_type
        return cls(
            id=booking.id,
            status=booking.status,
            start=booking.starts_at,
            end=booking.ends_at,
            sequence=booking.sequence,
            series_id=booking.series_id,
            event_type=BookedTypeOut(id=kind.id, slug=kind.slug, name=kind.name),
            host=MemberOut.of(booking.host),
            hosts=[MemberOut.of(host) for host in booking.hosts],
            invitee=InviteeOut.of(booking),
            attendees=[attendee.email for attendee in booking.attendees],
            answers=booking.answers,
            created_at=booking.created_at,
            cancelled_at=booking.cancelled_at,
            cancelled_by=booking.cancelled_by,
            cancel_reason=booking.cancel_reason,
            declined_at=booking.declined_at,
            declined_by=booking.declined_by,
            decline_reason=booking.decline_reason,
            attendance=booking.attendance,
            attendance_at=booking.attendance_at,
            attendance_by=booking.attendance_by,
        )


class BookingsOut(Out):
    """One page of bookings; `next_cursor` asks for the next one and is null on the last."""

    items: list[BookingOut]
    next_cursor: str | None
