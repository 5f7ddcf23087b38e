"""The team's week at a glance."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from flask import Blueprint, render_template, request

from webapp.core import clock
from webapp.identity.access import current_member, signed_in
from webapp.scheduling import queries
from webapp.scheduling.public_holidays import Holiday
from webapp.scheduling.service.team_week import team_week
from webapp.web.languages import page_language

blueprint = Blueprint("team_week", __name__, url_prefix="/app/team/availability")

_FARTHEST = timedelta(days=3660)


@blueprint.get("")
@signed_in
def show() -> str:
    """Show who is open, busy and away: everybody for who manages the organisation, the own team for other members."""
    member = current_member()
    zone = clock.find_zone(member.user.timezone)
    today = clock.now().astimezone(zone).date()
    day = _day(request.args.get("week", ""), today)
    monday = day - timedelta(days=day.weekday())
    mates = queries.team_mates(organization_id=member.organization_id, host_id=member.user_id)
    return render_template(
        "scheduling/host/team_week.html",
        weeks=team_week(
            organization_id=member.organization_id,
            first=monday,
            zone=zone,
            only=None if member.role.administers else mates,
        ),
        monday=monday,
        one_week=timedelta(days=7),
        today=today,
        zone=zone,
    )


@blueprint.app_template_global()
def holiday_names(holidays: Iterable[Holiday]) -> str:
    """Return what holidays are called in the language of the page."""
    return ", ".join(dict.fromkeys(holiday.label(page_language()) for holiday in holidays))


def _day(text: str, today: date) -> date:
    """Return the date that the address names, today where it names none that can be shown."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return today
    return day if abs(day - today) < _FARTHEST else today
