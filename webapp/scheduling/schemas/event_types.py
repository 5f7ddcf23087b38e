"""Event types as members' programs make and change them."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StringConstraints

from webapp.scheduling.models import AllDayEvents, EventColor, EventKind, EventType, LocationKind, QuestionKind
from webapp.scheduling.service.event_types import EventTypeDetails, details_of
from webapp.scheduling.service.questions import MOST_OPTIONS, MOST_QUESTIONS, Question
from webapp.scheduling.service.teams import MOST_HOSTS, TeamMember
from webapp.scheduling.service.texts import slug_for
from webapp.web.openapi import In

# What the service checks again, field by field; here only so that no number is too large for any column.
Count = Annotated[int, Field(ge=0, le=1_000_000)]


class QuestionIn(In):
    """A question to ask. Leave `key` out for a new one; send the key of an old one to keep its answers together."""

    label: str = Field(max_length=200)
    kind: QuestionKind = QuestionKind.SHORT_TEXT
    required: bool = False
    options: list[str] = Field(default_factory=list, max_length=MOST_OPTIONS)
    key: str = Field("", max_length=60)

    def question(self) -> Question:
        """Return it in the service's terms."""
        return Question(label=self.label, kind=self.kind, required=self.required, options=self.options, key=self.key)


class HostIn(In):
    """One who hosts an event type with others; priority 1 is asked first."""

    host_id: UUID
    priority: int = Field(1, ge=1, le=9)


class EventTypeChanges(In):
    """What is to change of an event type; fields that are left out stay as they are. Lengths are minutes.

    A `cancel_notice` or `reschedule_notice` of null lets guests not cancel or move at all. Only who manages the
    organisation may choose the `team`.
    """

    name: str = Field("", max_length=120)
    slug: Annotated[str, StringConstraints(max_length=60)] = ""
    description: str = Field("", max_length=5000)
    duration: Count = 30
    other_durations: list[Count] = Field(default_factory=list, max_length=20)
    slot_interval: Count = 30
    slot_offset: Count = 0
    buffer_before: Count = 0
    buffer_after: Count = 0
    buffers_among_own: bool = False
    minimum_notice: Count = 60
    horizon_days: Count = 60
    limit_per_day: Count | None = None
    limit_per_week: Count | None = None
    limit_per_month: Count | None = None
    seats: Count = 1
    most_attendees: Count = 0
    expects_check_in: bool = False
    requires_approval: bool = False
    cancel_notice: Count | None = 0
    reschedule_notice: Count | None = 0
    policy: str = Field("", max_length=2000)
    waitlist_enabled: bool = False
    series_most: Count = 1
    is_secret: bool = False
    location_kind: LocationKind = LocationKind.OTHER
    location: str = Field("", max_length=255)
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

    name: str = Field(max_length=120)
    duration: Count
    kind: EventKind = EventKind.ONE_TO_ONE

    def details(self) -> EventTypeDetails:
        """Return it in the service's terms."""
        values = self._given(set(type(self).model_fields))
        return EventTypeDetails(**values | {"slug": self.slug or slug_for(self.name)})


class CopyIn(In):
    """What the copy is called; as the original, with “(copy)” behind it, if nothing is said."""

    name: str | None = Field(None, max_length=120)
