"""What a host offers: create, change, switch on and off, delete."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple
from uuid import UUID

from psycopg.errors import ForeignKeyViolation, UniqueViolation
from sqlalchemy.exc import IntegrityError

from webapp.core.db import session
from webapp.core.scope import read_locked
from webapp.core.validation import FieldErrors
from webapp.core.words import Said, say
from webapp.scheduling.errors import InUse, SlugTaken
from webapp.scheduling.models import AllDayEvents, EventColor, EventKind, EventType, LocationKind, Schedule
from webapp.scheduling.service import meetings
from webapp.scheduling.service.attendees import MOST_ATTENDEES
from webapp.scheduling.service.freed import tell_of_terms, tell_who_waits
from webapp.scheduling.service.guests import one_line, plain_text
from webapp.scheduling.service.places import checked_location
from webapp.scheduling.service.questions import Question, checked_questions
from webapp.scheduling.service.teams import TeamMember, set_team
from webapp.scheduling.service.texts import at_most, require_slug, require_text

MOST_DURATIONS = 10

_MINUTES = say("minutes")
_DAYS = say("days")
_SEATS = say("seats")
_MEETINGS = say("meetings")
_PEOPLE = say("people")


class Bounds(NamedTuple):
    """The least and the most that a number may be, and what it counts."""

    least: int
    most: int
    unit: Said


# What the columns hold.
NUMBERS: Mapping[str, Bounds] = {
    "duration": Bounds(5, 1440, _MINUTES),
    "slot_interval": Bounds(5, 1440, _MINUTES),
    "buffer_before": Bounds(0, 720, _MINUTES),
    "buffer_after": Bounds(0, 720, _MINUTES),
    "minimum_notice": Bounds(0, 525_600, _MINUTES),
    "horizon_days": Bounds(1, 730, _DAYS),
    "slot_offset": Bounds(0, 1439, _MINUTES),
    "seats": Bounds(1, 1000, _SEATS),
    "series_most": Bounds(1, 52, _MEETINGS),
    "most_attendees": Bounds(0, MOST_ATTENDEES, _PEOPLE),
    "cancel_notice": Bounds(0, 525_600, _MINUTES),
    "reschedule_notice": Bounds(0, 525_600, _MINUTES),
    "limit_per_day": Bounds(1, 1000, _MEETINGS),
    "limit_per_week": Bounds(1, 1000, _MEETINGS),
    "limit_per_month": Bounds(1, 1000, _MEETINGS),
}

LONGEST_NAME = 120
LONGEST_DESCRIPTION = 5000
LONGEST_POLICY = 2000

# The texts, how long they may be, and what else holds for them.
_TEXTS = (
    ("name", LONGEST_NAME, one_line),
    ("description", LONGEST_DESCRIPTION, plain_text),
    ("policy", LONGEST_POLICY, plain_text),
)

# What is of its type can be of no wrong value.
_TAKEN_AS_THEY_ARE = (
    "kind",
    "buffers_among_own",
    "expects_check_in",
    "requires_approval",
    "waitlist_enabled",
    "location_kind",
    "color",
    "all_day_events",
    "is_secret",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class EventTypeDetails:
    """Everything about an event type that its host chooses.

    Lengths are minutes, the horizon days; a limit of None is none. `kind` stays as it was made, and only a group has
    more seats than one. The `team` is whoever hosts it in turn or together; other kinds have none. A change of
    `requires_approval` holds for bookings from then on. Guests may cancel and move their bookings until so many minutes
    before they begin; None is not at all.
    """

    name: str
    slug: str
    duration: int
    slot_interval: int
    description: str = ""
    buffer_before: int = 0
    buffer_after: int = 0
    minimum_notice: int = 60
    horizon_days: int = 60
    kind: EventKind = EventKind.ONE_TO_ONE
    seats: int = 1
    team: Sequence[TeamMember] = ()
    other_durations: Sequence[int] = ()
    slot_offset: int = 0
    buffers_among_own: bool = False
    limit_per_day: int | None = None
    limit_per_week: int | None = None
    limit_per_month: int | None = None
    most_attendees: int = 0
    expects_check_in: bool = False
    location_kind: LocationKind = LocationKind.OTHER
    location: str = ""
    color: EventColor = EventColor.GREEN
    requires_approval: bool = False
    cancel_notice: int | None = 0
    reschedule_notice: int | None = 0
    policy: str = ""
    waitlist_enabled: bool = False
    questions: Sequence[Question] = ()
    all_day_events: AllDayEvents = AllDayEvents.BLOCK
    series_most: int = 1
    is_secret: bool = False


def create_event_type(
    *, organization_id: UUID, host_id: UUID, schedule: Schedule, details: EventTypeDetails
) -> EventType:
    """Add an event type, switched on. Raises InvalidInput naming each field that makes no sense, and SlugTaken."""
    values = _checked(details)
    event_type = EventType(
        organization_id=organization_id, host_id=host_id, schedule_id=schedule.id, schedule=schedule, team=[], **values
    )
    set_team(event_type=event_type, team=details.team)
    with _constraints():
        session().add(event_type)
    return event_type


def update_event_type(*, event_type: EventType, details: EventTypeDetails) -> EventType:
    """Change all but the kind of an event type; bookings already made keep their times and seats.

    Raises as `create_event_type`.
    """
    hold_still(event_type=event_type)
    values = _checked(replace(details, kind=event_type.kind))
    set_team(event_type=event_type, team=details.team)
    with _constraints():
        for field, value in values.items():
            setattr(event_type, field, value)
    meetings.set_seats(event_type=event_type)
    tell_of_terms(event_type)
    return event_type


def hold_still(*, event_type: EventType) -> None:
    """Read an event type again and who hosts it, and have others who would change it wait until the commit.

    Whoever changes a part of it does so first, lest they write back what others have just changed.
    """
    read_locked(event_type, "team")


def details_of(event_type: EventType) -> EventTypeDetails:
    """Return what its host has chosen."""
    values = {field.name: getattr(event_type, field.name) for field in fields(EventTypeDetails)}
    values["questions"] = [Question.of(question) for question in event_type.questions]
    values["team"] = [TeamMember(host_id=host.host_id, priority=host.priority) for host in event_type.team]
    return EventTypeDetails(**values)


def set_active(*, event_type: EventType, active: bool) -> EventType:
    """Open an event type to guests, those in line first, or close it; bookings already made stand."""
    event_type.is_active = active
    if active:
        tell_who_waits(host_ids=[host.id for host in event_type.hosts])
    return event_type


def delete_event_type(*, event_type: EventType) -> None:
    """Delete an event type that was never booked; raises InUse when it was."""
    with _constraints():
        meetings.remove_holds(event_type=event_type)
        session().delete(event_type)


@contextmanager
def _constraints() -> Iterator[None]:
    """Write what the block did, and say in the host's terms what the database had against it."""
    try:
        with session().begin_nested():
            yield
            session().flush()
    except IntegrityError as error:
        constraint = error.orig.diag.constraint_name if isinstance(error.orig, UniqueViolation) else None
        if constraint == "uq_event_type_organization_id_slug":
            raise SlugTaken from error
        if isinstance(error.orig, ForeignKeyViolation):
            raise InUse from error
        raise


def _checked(details: EventTypeDetails) -> dict[str, Any]:
    """Return the columns' values; raises InvalidInput."""
    faults = FieldErrors()
    values: dict[str, Any] = {"slug": details.slug}
    with faults.of("location"):
        values["location"] = checked_location(details.location_kind, details.location)
    for field, most, fits in _TEXTS:
        with faults.of(field):
            values[field] = at_most(most, fits(getattr(details, field)))
    with faults.of("name"):
        require_text(details.name)
    with faults.of("slug"):
        require_slug(details.slug)
    for field, (least, most, unit) in NUMBERS.items():
        values[field] = getattr(details, field)
        if values[field] is not None and not least <= values[field] <= most:
            faults.add(
                field, say("This must be between %(least)d and %(most)d %(unit)s.", least=least, most=most, unit=unit)
            )
    with faults.of("other_durations"):
        values["other_durations"] = _other_durations(details)
    with faults.of("seats"):
        _require_seats(details)
    values |= {name: getattr(details, name) for name in _TAKEN_AS_THEY_ARE}
    values["questions"] = checked_questions(details.questions, faults)
    faults.refuse()
    return values


def _other_durations(details: EventTypeDetails) -> list[int]:
    """Return the further lengths, each once, the shortest first."""
    others, (least, most, _unit) = sorted({*details.other_durations} - {details.duration}), NUMBERS["duration"]
    if any(not least <= minutes <= most for minutes in others):
        raise ValueError(say("Each length must be between %(least)d and %(most)d minutes.", least=least, most=most))
    if len(others) > MOST_DURATIONS:
        raise ValueError(say("Please offer at most %(most)d further lengths.", most=MOST_DURATIONS))
    if others and details.kind is EventKind.GROUP:
        raise ValueError(say("A group has one length, since its guests come together; please leave this empty."))
    return others


def _require_seats(details: EventTypeDetails) -> None:
    if details.kind is EventKind.GROUP and details.seats == 1:
        raise ValueError(say("A group has at least 2 seats; please say how many guests can come at once."))
    if details.kind is not EventKind.GROUP and details.seats > 1:
        raise ValueError(say("Only a group has more seats than one; please choose that kind, or write 1."))
