"""The team's week, for members' programs."""

from __future__ import annotations

from datetime import date

from webapp.core.clock import find_zone
from webapp.core.validation import FieldError, InvalidInput
from webapp.core.words import say
from webapp.identity.access import current_member, token_required
from webapp.identity.models import Scope
from webapp.scheduling import queries
from webapp.scheduling.api.blueprints import for_members
from webapp.scheduling.schemas.team_week import HostWeekOut, TeamWeekOut, TeamWeekQuery
from webapp.scheduling.service.team_week import team_week
from webapp.web.openapi import endpoint

blueprint = for_members("scheduling_team_week_api")

_YEARS = range(2000, 2101)


@blueprint.get("/availability/team")
@token_required(Scope.AVAILABILITY_READ)
@endpoint(answers=TeamWeekOut, query=TeamWeekQuery, needs_token=True, tag="Availability")
def show_team_week(query: TeamWeekQuery) -> TeamWeekOut:
    """Who is open, busy and away: everybody for who manages the organisation, the own team for other members."""
    member, zone = current_member(), find_zone(query.timezone)
    mates = queries.team_mates(organization_id=member.organization_id, host_id=member.user_id)
    weeks = team_week(
        organization_id=member.organization_id,
        first=_shown(query.start),
        zone=zone,
        only=None if member.role.administers else mates,
    )
    return TeamWeekOut(timezone=zone.key, hosts=[HostWeekOut.of(week, zone) for week in weeks])


def _shown(day: date) -> date:
    if day.year not in _YEARS:
        raise InvalidInput(
            [
                FieldError(
                    "start", say("Please choose a day from %(first)d to %(last)d.", first=_YEARS[0], last=_YEARS[-1])
                )
            ]
        )
    return day
