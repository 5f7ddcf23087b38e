"""Working hours, for members' programs."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from webapp.core.clock import find_day
from webapp.core.db import transaction
from webapp.core.errors import NotFound
from webapp.identity.access import current_member, token_required
from webapp.identity.models import Scope
from webapp.scheduling import public_holidays, queries
from webapp.scheduling.api.blueprints import for_members, only_host
from webapp.scheduling.api.creating import created_once
from webapp.scheduling.models import Schedule
from webapp.scheduling.schemas.members import EventTypeOut
from webapp.scheduling.schemas.schedules import (
    CountriesOut,
    CountryOut,
    DayIn,
    HolidayOut,
    HolidaysIn,
    HolidaysOut,
    HolidaysQuery,
    ScheduleChangeIn,
    ScheduleChoiceIn,
    ScheduleIn,
    ScheduleOut,
    SchedulesOut,
)
from webapp.scheduling.service import holidays, named_schedules, schedules
from webapp.web.openapi import IdempotencyHeaders, endpoint

blueprint = for_members("scheduling_schedules_api")

_TAG = "Availability"


@blueprint.get("/schedules")
@token_required(Scope.AVAILABILITY_READ)
@endpoint(answers=SchedulesOut, needs_token=True, tag=_TAG)
def list_schedules() -> SchedulesOut:
    """Working hours: the holder's own, or everybody's for who manages the organisation."""
    found = queries.schedules(organization_id=current_member().organization_id, host_id=only_host())
    return SchedulesOut(items=[ScheduleOut.of(schedule) for schedule in found])


@blueprint.post("/schedules")
@token_required(Scope.AVAILABILITY_WRITE)
@endpoint(
    answers=ScheduleOut,
    status=201,
    body=ScheduleIn,
    headers=IdempotencyHeaders,
    problems=(404, 409),
    needs_token=True,
    tag=_TAG,
)
def create_schedule(body: ScheduleIn, headers: IdempotencyHeaders) -> ScheduleOut:
    """Make a schedule."""
    return ScheduleOut.of(created_once(headers=headers, body=body, create=lambda: _made(body), find=_own))


@blueprint.get("/schedules/<uuid:schedule_id>")
@token_required(Scope.AVAILABILITY_READ)
@endpoint(answers=ScheduleOut, problems=(404,), needs_token=True, tag=_TAG)
def show_schedule(schedule_id: UUID) -> ScheduleOut:
    """One schedule."""
    return ScheduleOut.of(_own(schedule_id))


@blueprint.patch("/schedules/<uuid:schedule_id>")
@token_required(Scope.AVAILABILITY_WRITE)
@endpoint(answers=ScheduleOut, body=ScheduleChangeIn, problems=(404,), needs_token=True, tag=_TAG)
def change_schedule(schedule_id: UUID, body: ScheduleChangeIn) -> ScheduleOut:
    """Change a schedule: its name, its zone, its weekly hours, or which one is the default."""
    with transaction():
        schedule = _own(schedule_id)
        if body.is_default:  # first, since it has others wait who change which schedules the host has
            named_schedules.make_default(schedule=schedule)
        if body.name is not None:
            named_schedules.rename_schedule(schedule=schedule, name=body.name)
        if body.timezone is not None or body.hours is not None:
            hours = None if body.hours is None else [row.weekly() for row in body.hours]
            schedules.save_hours(schedule=schedule, timezone=body.timezone, hours=hours)
    return ScheduleOut.of(schedule)


@blueprint.delete("/schedules/<uuid:schedule_id>")
@token_required(Scope.AVAILABILITY_WRITE)
@endpoint(answers=ScheduleOut, problems=(404, 409), needs_token=True, tag=_TAG)
def delete_schedule(schedule_id: UUID) -> ScheduleOut:
    """Delete a schedule that no event type goes by; the answer is what it said."""
    with transaction():
        schedule = _own(schedule_id)
        said = ScheduleOut.of(schedule)
        named_schedules.delete_schedule(schedule=schedule)
    return said


@blueprint.put("/schedules/<uuid:schedule_id>/days/<day>")
@token_required(Scope.AVAILABILITY_WRITE)
@endpoint(answers=ScheduleOut, body=DayIn, problems=(404,), needs_token=True, tag=_TAG)
def set_day(schedule_id: UUID, day: str, body: DayIn) -> ScheduleOut:
    """Set what holds on one date in place of the weekly hours."""
    with transaction():
        schedule = _own(schedule_id)
        schedules.set_override(schedule=schedule, day=_date(day), ranges=[row.span() for row in body.ranges])
    return ScheduleOut.of(schedule)


@blueprint.delete("/schedules/<uuid:schedule_id>/days/<day>")
@token_required(Scope.AVAILABILITY_WRITE)
@endpoint(answers=ScheduleOut, problems=(404,), needs_token=True, tag=_TAG)
def clear_day(schedule_id: UUID, day: str) -> ScheduleOut:
    """Let the weekly hours hold on a date again."""
    with transaction():
        schedule = _own(schedule_id)
        schedules.clear_override(schedule=schedule, day=_date(day))
    return ScheduleOut.of(schedule)


@blueprint.put("/schedules/<uuid:schedule_id>/holidays")
@token_required(Scope.AVAILABILITY_WRITE)
@endpoint(answers=ScheduleOut, body=HolidaysIn, problems=(404,), needs_token=True, tag=_TAG)
def choose_holidays(schedule_id: UUID, body: HolidaysIn) -> ScheduleOut:
    """Close a schedule on the public holidays of a country; a date with hours of its own stays open."""
    with transaction():
        schedule = _own(schedule_id)
        holidays.choose_holidays(
            schedule=schedule, country=body.country, subdivision=body.subdivision, worked=body.worked
        )
    return ScheduleOut.of(schedule)


@blueprint.get("/holidays/countries")
@token_required(Scope.AVAILABILITY_READ)
@endpoint(answers=CountriesOut, needs_token=True, tag=_TAG)
def list_holiday_countries() -> CountriesOut:
    """The countries whose public holidays are known."""
    known = public_holidays.countries()
    return CountriesOut(items=[CountryOut(code=code, subdivisions=list(parts)) for code, parts in known.items()])


@blueprint.get("/holidays")
@token_required(Scope.AVAILABILITY_READ)
@endpoint(answers=HolidaysOut, query=HolidaysQuery, needs_token=True, tag=_TAG)
def list_holidays(query: HolidaysQuery) -> HolidaysOut:
    """The public holidays of a country in one year."""
    first, last = date(query.year, 1, 1), date(query.year, 12, 31)
    holidays.require_known(country=query.country, subdivision=query.subdivision)
    found = public_holidays.holidays_between(query.country, query.subdivision, first=first, last=last)
    return HolidaysOut(items=[HolidayOut(day=holiday.day, name=holiday.name) for holiday in found])


@blueprint.put("/event-types/<uuid:event_type_id>/schedule")
@token_required(Scope.AVAILABILITY_WRITE)
@endpoint(answers=EventTypeOut, body=ScheduleChoiceIn, problems=(404,), needs_token=True, tag=_TAG)
def choose_schedule(event_type_id: UUID, body: ScheduleChoiceIn) -> EventTypeOut:
    """Have a schedule's host offer an event type by it, alone or as one of its team."""
    with transaction():
        schedule = _own(body.schedule_id)
        # A member chooses for themselves also where the event type is another's, whose team they are in.
        event_type = queries.get_event_type(current_member().organization_id, event_type_id)
        named_schedules.choose_schedule(event_type=event_type, schedule=schedule)
    return EventTypeOut.of(event_type)


def _own(schedule_id: UUID) -> Schedule:
    return queries.get_schedule(current_member().organization_id, schedule_id, host_id=only_host())


def _made(body: ScheduleIn) -> Schedule:
    member = current_member()
    if body.copy_of:
        original = queries.get_schedule(member.organization_id, body.copy_of, host_id=member.user_id)
        return named_schedules.copy_schedule(schedule=original, name=body.name)
    return schedules.create_schedule(
        organization_id=member.organization_id,
        host_id=member.user_id,
        name=body.name,
        timezone=body.timezone or member.user.timezone,
        hours=[row.weekly() for row in body.hours] if body.hours is not None else schedules.OFFICE_HOURS,
    )


def _date(text: str) -> date:
    try:
        return find_day(text)
    except ValueError as error:
        raise NotFound(str(error)) from error
