"""Be away for whole days; somebody else may host the one-to-one event types meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from psycopg.errors import ExclusionViolation
from sqlalchemy.exc import IntegrityError

from webapp.core import clock
from webapp.core.clock import find_zone
from webapp.core.db import session
from webapp.core.validation import FieldErrors
from webapp.core.words import say
from webapp.identity.models import User
from webapp.identity.queries import active_members
from webapp.scheduling.errors import AlreadyAway
from webapp.scheduling.events import Change
from webapp.scheduling.models import OutOfOffice
from webapp.scheduling.service.freed import tell_of_change
from webapp.scheduling.service.guests import plain_text
from webapp.scheduling.service.teams import schedule_of

LONGEST_NOTE = 500
MOST_DAYS = 400
FARTHEST = timedelta(days=3660)


@dataclass(frozen=True, kw_only=True, slots=True)
class AwayDetails:
    """The first and the last day away, in `timezone`; who stands in, if anybody does; a note for the team alone."""

    timezone: str
    first_day: date
    last_day: date
    note: str = ""
    stand_in_id: UUID | None = None


def be_away(*, organization_id: UUID, host_id: UUID, details: AwayDetails) -> OutOfOffice:
    """Note days on which the host takes no guests; who stands in and has no hours yet gets office hours.

    Raises InvalidInput naming the field that makes no sense, and AlreadyAway when some of the days are noted already.
    """
    absence = OutOfOffice(organization_id=organization_id, host_id=host_id)
    with _constraints():
        _set(absence, details)
        session().add(absence)
    session().refresh(absence)
    _tell(absence.host_id)
    return absence


def change_absence(*, absence: OutOfOffice, details: AwayDetails) -> OutOfOffice:
    """Say otherwise when the host is away, or who stands in; raises as `be_away`."""
    with _constraints():
        _set(absence, details)
    session().refresh(absence)
    _tell(absence.host_id)
    return absence


def be_back(*, absence: OutOfOffice) -> None:
    """Take guests on those days again. What the stand-in has been booked for stays theirs."""
    session().delete(absence)
    session().flush()
    _tell(absence.host_id)


def _tell(host_id: UUID) -> None:
    """Say that the host is free at other times, and that others may stand in for them on other days."""
    tell_of_change(Change.OUT_OF_OFFICE, host_ids=[host_id])


def _set(absence: OutOfOffice, details: AwayDetails) -> None:
    for field, value in _checked(absence, details).items():
        setattr(absence, field, value)


def _checked(absence: OutOfOffice, details: AwayDetails) -> dict[str, Any]:
    faults = FieldErrors()
    values: dict[str, Any] = {"timezone": details.timezone, "stand_in_id": details.stand_in_id}
    with faults.of("timezone"):
        find_zone(details.timezone)
    with faults.of("last_day"):
        values["first_day"], values["last_day"] = _days(details.first_day, details.last_day)
    with faults.of("note"):
        values["note"] = _note(details.note)
    with faults.of("stand_in_id"):
        _prepare_stand_in(absence, details.stand_in_id)
    faults.refuse()
    return values


def _days(first: date, last: date) -> tuple[date, date]:
    if last < first:
        raise ValueError(say("The last day comes before the first; please swap them."))
    if (last - first).days >= MOST_DAYS:
        raise ValueError(say("At most %(most)d days can be noted at once; please split them.", most=MOST_DAYS))
    if abs(first - clock.now().date()) > FARTHEST:
        raise ValueError(say("This is too far away; please choose days within ten years."))
    return first, last


def _note(text: str) -> str:
    note = plain_text(text)
    if len(note) > LONGEST_NOTE:
        raise ValueError(say("This is too long; please use at most %(most)d characters.", most=LONGEST_NOTE))
    return note


def _prepare_stand_in(absence: OutOfOffice, stand_in_id: UUID | None) -> None:
    """See to it that whoever stands in may do so, and has hours."""
    if stand_in_id is None:
        return
    members: dict[UUID, User] = {member.user_id: member.user for member in active_members(absence.organization_id)}
    if stand_in_id == absence.host_id or stand_in_id not in members:
        raise ValueError(say("Please choose another active member of your organisation."))
    schedule_of(organization_id=absence.organization_id, host=members[stand_in_id])


@contextmanager
def _constraints() -> Iterator[None]:
    try:
        with session().begin_nested():
            yield
            session().flush()
    except IntegrityError as error:
        if isinstance(error.orig, ExclusionViolation):
            raise AlreadyAway from error
        raise
