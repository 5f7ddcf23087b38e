"""Event types as members' programs make and change them."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from webapp.core.words import LONGEST_SLUG
from webapp.scheduling.models import AllDayEvents, EventColor, EventKind, EventType, LocationKind, QuestionKind
from webapp.scheduling.schemas.fields import at_most, up_to, within
from webapp.scheduling.service.event_types import (
    LONGEST_DESCRIPTION,
    LONGEST_NAME,
    LONGEST_POLICY,
    MOST_DURATIONS,
    EventTypeDetails,
    details_of,
)
from webapp.scheduling.service.places import LONGEST_LOCATION
from webapp.scheduling.service.questions import (
    LONGEST_KEY,
    LONGEST_LABEL,
    LONGEST_OPTION,
    MOST_OPTIONS,
    MOST_QUESTIONS,
    Question,
)
from webapp.scheduling.service.teams import MOST_HOSTS, PRIORITIES, TeamMember
from webapp.scheduling.service.texts import slug_for
from webapp.web.openapi import In

Name = Annotated[str, up_to(LONGEST_NAME)]
Option = Annotated[str, up_to(LONGEST_OPTION)]


class QuestionIn(In):
    """A question to ask. Leave `key` out for a new one; send the key of an old one to keep its answers together."""

    label: Annotated[str, up_to(LONGEST_LABEL)]
    kind: QuestionKind = QuestionKind.SHORT_TEXT
    required: bool = False
    options: list[Option] = Field(default_factory=list, max_length=MOST_OPTIONS)
    key: Annotated[str, up_to(LONGEST_KEY)] = ""

    def question(self) -> Question:
        """Return it in the service's terms."""
        return Question(label=self.label, kind=self.kind, required=self.required, options=self.options, key=self.key)


class HostIn(In):
    """One who hosts an event type with others; priority 1 is asked first."""

    host_id: UUID
    priority: int = Field(PRIORITIES[0], ge=PRIORITIES[0], le=PRIORITIES[-1])


class EventTypeChanges(In):
    """What is to change of an event type; fields that are left out stay as they are. Lengths are minutes.

    A `cancel_notice` or `reschedule_notice` of null lets guests not cancel or move at all. Only who manages the
    organisation may choose the `team`.
    """

    name: Name = ""
    slug: Annotated[str, up_to(LONGEST_SLUG)] = ""
    description: Annotated[str, up_to(LONGEST_DESCRIPTION)] = ""
    duration: Annotated[int, within("duration")] = 30
    other_durations: Annotated[list[Annotated[int, within("duration")]], at_most(MOST_DURATIONS)] = []
    slot_interval: Annotated[int, within("slot_interval")] = 30
    slot_offset: Annotated[int, within("slot_offset")] = 0
    buffer_before: Annotated[int, within("buffer_before")] = 0
    buffer_after: Annotated[int, within("buffer_after")] = 0
    buffers_among_own: bool = False
    minimum_notice: Annotated[int, within("minimum_notice")] = 60
    horizon_days: Annotated[int, within("horizon_days")] = 60
    limit_per_day: Annotated[int, within("limit_per_day")] | None = None
    limit_per_week: Annotated[int, within("limit_per_week")] | None = None
    limit_per_month: Annotated[int, within("limit_per_month")] | None = None
    seats: Annotated[int, within("seats")] = 1
    most_attendees: Annotated[int, within("most_attendees")] = 0
    expects_check_in: bool = False
    requires_approval: bool = False
    cancel_notice: Annotated[int, within("cancel_notice")] | None = 0
    reschedule_notice: Annotated[int, within("reschedule_notice")] | None = 0
    policy: Annotated[str, up_to(LONGEST_POLICY)] = ""
    waitlist_enabled: bool = False
    series_most: Annotated[int, within("series_most")] = 1
    is_secret: bool = False
    location_kind: LocationKind = LocationKind.OTHER
    location: Annotated[str, up_to(LONGEST_LOCATION)] = ""
    color: EventColor = EventColor.GREEN
    all_day_events: AllDayEvents = AllDayEvents.BLOCK
    questions: list[QuestionIn] = Field(default_factory=list, max_length=MOST_QUESTIONS)
    team: list[HostIn] = Field(default_factory=list, max_length=MOST_HOSTS)
    schedule_id: UUID | None = Field(
        None, description="One of the host's schedules, whose hours it is offered in; each of a team has their own."
    )

    def changed(self, event_type: EventType) -> EventTypeDetails:
        """Return the event type's details with the changes."""
        return replace(details_of(event_type), **self._given(self.model_fields_set))

    def _given(self, names: set[str]) -> dict[str, Any]:
        """Return these fields in the service's terms."""
        values = {name: getattr(self, name) for name in names - {"schedule_id"}}
        if "questions" in values:
            values["questions"] = [question.question() for question in self.questions]
        if "team" in values:
            values["team"] = [TeamMember(host_id=host.host_id, priority=host.priority) for host in self.team]
        return values


class EventTypeIn(EventTypeChanges):
    """An event type to make. Without a `slug` its address is made from its name; its `kind` stays for ever."""

    name: Name
    duration: Annotated[int, within("duration")]
    kind: EventKind = EventKind.ONE_TO_ONE

    def details(self) -> EventTypeDetails:
        """Return it in the service's terms."""
        values = self._given(set(type(self).model_fields))
        return EventTypeDetails(**values | {"slug": self.slug or slug_for(self.name)})


class CopyIn(In):
    """What the copy is called; as the original, with “(copy)” behind it, if nothing is said."""

    name: Name | None = None
