"""Which public holidays close a schedule."""

from __future__ import annotations

from collections.abc import Collection

from webapp.core.validation import FieldErrors
from webapp.core.words import say
from webapp.scheduling.events import Change
from webapp.scheduling.models import Schedule
from webapp.scheduling.public_holidays import require_country, require_subdivision
from webapp.scheduling.service.freed import tell_of_change
from webapp.scheduling.service.guests import plain_text

MOST_WORKED = 200
LONGEST_NAME = 200


def choose_holidays(
    *, schedule: Schedule, country: str | None, subdivision: str | None = None, worked: Collection[str] = ()
) -> Schedule:
    """Close the schedule on the public holidays of a country, or on none (None), but for those named in `worked`.

    `subdivision` is the part of the country whose holidays count as well. Raises InvalidInput naming `country`,
    `subdivision` or `worked`.
    """
    require_known(country=country, subdivision=subdivision)
    faults = FieldErrors()
    if len(worked) > MOST_WORKED or any(len(name) > LONGEST_NAME for name in worked):
        faults.add("worked", say("These are too many, or too long names; please name holidays of that country only."))
    with faults.of("worked"):
        worked = {plain_text(name) for name in worked}
    faults.refuse()
    schedule.holiday_country, schedule.holiday_subdivision = country, subdivision
    schedule.worked_holidays = sorted(worked) if country else []
    tell_of_change(Change.HOURS, host_ids=[schedule.host_id])
    return schedule


def require_known(*, country: str | None, subdivision: str | None) -> None:
    """Raise InvalidInput naming `country` or `subdivision` when its holidays are not known."""
    faults = FieldErrors()
    if country is not None:
        with faults.of("country"):
            require_country(country)
    if subdivision is not None:
        with faults.of("subdivision"):
            require_subdivision(country, subdivision)
    faults.refuse()
