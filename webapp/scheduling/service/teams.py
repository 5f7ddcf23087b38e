"""Who hosts an event type together."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from webapp.core.validation import FieldError, InvalidInput
from webapp.core.words import say
from webapp.identity.models import User
from webapp.identity.queries import active_members
from webapp.scheduling import queries
from webapp.scheduling.models import EventHost, EventType, Schedule
from webapp.scheduling.service.schedules import default_schedule

MOST_HOSTS = 100
PRIORITIES = range(1, 10)


@dataclass(frozen=True, kw_only=True, slots=True)
class TeamMember:
    """One who hosts an event type with others, by the hours of their schedule; priority 1 is asked first."""

    host_id: UUID
    priority: int = 1


def set_team(*, event_type: EventType, team: Sequence[TeamMember]) -> None:
    """Replace who hosts an event type, where that is a team; bookings already made keep their hosts.

    Whoever has no hours yet gets office hours. Raises InvalidInput naming `team` when it is empty or names somebody
    twice, who is no active member of the organisation, or with a priority that does not exist. Who has left may stay
    in a team that they were in, and hosts nothing meanwhile.
    """
    if not event_type.is_team:
        event_type.team = []
        return
    members = {member.user_id: member.user for member in active_members(event_type.organization_id)}
    known = {host.host_id: host for host in event_type.team}
    if fault := _fault(team, members.keys() | known.keys()):
        raise InvalidInput([FieldError("team", fault)])
    event_type.team = [known.get(chosen.host_id) or _host(event_type, members[chosen.host_id]) for chosen in team]
    for host, chosen in zip(event_type.team, team, strict=True):
        host.priority = chosen.priority


def schedule_of(*, organization_id: UUID, host: User) -> Schedule:
    """Return the host's default schedule in the organisation; office hours in their zone when they have none yet."""
    found = queries.schedules(organization_id=organization_id, host_id=host.id)
    if found:
        return found[0]
    return default_schedule(organization_id=organization_id, host_id=host.id, timezone=host.timezone)


def _fault(team: Sequence[TeamMember], members: Collection[UUID]) -> str | None:
    chosen = [member.host_id for member in team]
    if not chosen:
        return say("Please choose who hosts it.")
    if len(chosen) > MOST_HOSTS:
        return say("At most %(most)d people can host it together; please choose fewer.", most=MOST_HOSTS)
    if len(set(chosen)) < len(chosen) or not set(chosen) <= set(members):
        return say("Please choose among the active members of your organisation, each of them once.")
    if any(member.priority not in PRIORITIES for member in team):
        return say(
            "A priority is a number from %(least)d to %(most)d; please choose one.",
            least=PRIORITIES[0],
            most=PRIORITIES[-1],
        )
    return None


def _host(event_type: EventType, host: User) -> EventHost:
    schedule = schedule_of(organization_id=event_type.organization_id, host=host)
    return EventHost(
        organization_id=event_type.organization_id,
        host_id=host.id,
        host=host,
        schedule_id=schedule.id,
        schedule=schedule,
    )
