"""When a host works: the weekly hours, and the single days that differ."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from webapp.core import clock
from webapp.core.db import transaction
from webapp.core.validation import InvalidInput
from webapp.identity.access import current_member, signed_in
from webapp.scheduling import queries
from webapp.scheduling.forms import show_errors
from webapp.scheduling.forms.availability import (
    OverrideForm,
    WeekForm,
    by_day,
    edit_override,
    edit_week,
    override_form,
    show_row_errors,
    week_form,
)
from webapp.scheduling.models import EventType, Schedule
from webapp.scheduling.service.named_schedules import schedule_id_of
from webapp.scheduling.service.schedules import clear_override, default_schedule, save_hours, set_override
from webapp.scheduling.views.misfits import after_change
from webapp.web.times import day_text

blueprint = Blueprint("availability", __name__, url_prefix="/app/availability")


@blueprint.get("")
@blueprint.get("/schedules/<uuid:schedule_id>")
@signed_in
def show(schedule_id: UUID | None = None) -> str:
    """Show the weekly hours and the days that differ: those of the default schedule, unless another one is named."""
    return _page(_find(schedule_id))


@blueprint.post("")
@blueprint.post("/schedules/<uuid:schedule_id>")
@signed_in
def save(schedule_id: UUID | None = None) -> ResponseReturnValue:
    """Replace the zone and the weekly hours."""
    schedule = _find(schedule_id)
    form = week_form(schedule, timezone=current_member().user.timezone, typed=request.form)
    if action := request.form.get("action"):
        edit_week(form, action)
        return _page(schedule, week=form)
    if not form.validate():
        return _page(schedule, week=form), 422
    try:
        with transaction():
            save_hours(schedule=schedule or _first(), timezone=form.timezone.data, hours=form.ranges())
    except InvalidInput as invalid:
        errors = show_row_errors(form.hours, (error for error in invalid.errors if error.field != "timezone"))
        errors += show_errors(form, (error for error in invalid.errors if error.field == "timezone"))
        return _page(schedule, week=form, errors=errors), 422
    flash(_("Your hours are saved. Bookings already made keep their times."), "success")
    return after_change(url_for("availability.show", schedule_id=schedule_id))


@blueprint.post("/days")
@blueprint.post("/schedules/<uuid:schedule_id>/days")
@signed_in
def save_day(schedule_id: UUID | None = None) -> ResponseReturnValue:
    """Set what holds on one date in place of the weekly hours."""
    schedule, form = _find(schedule_id), override_form(request.form)
    if action := request.form.get("action"):
        edit_override(form, action)
        return _page(schedule, override=form)
    if not form.validate() or form.day.data is None:
        return _page(schedule, override=form), 422
    try:
        with transaction():
            set_override(schedule=schedule or _first(), day=form.day.data, ranges=form.spans())
    except InvalidInput as invalid:
        return _page(schedule, override=form, errors=show_row_errors(form.ranges, invalid.errors)), 422
    flash(_("Saved for %(day)s.", day=day_text(form.day.data)), "success")
    return after_change(url_for("availability.show", schedule_id=schedule_id, _anchor="days"))


@blueprint.post("/days/<day>/remove")
@blueprint.post("/schedules/<uuid:schedule_id>/days/<day>/remove")
@signed_in
def remove_day(day: str, schedule_id: UUID | None = None) -> ResponseReturnValue:
    """Let the weekly hours hold on a date again."""
    schedule = _find(schedule_id)
    try:
        chosen = clock.find_day(day)
    except ValueError:
        flash(_("That is not a date."), "error")
        return redirect(url_for("availability.show", schedule_id=schedule_id), 303)
    if schedule:
        with transaction():
            clear_override(schedule=schedule, day=chosen)
    flash(_("The weekly hours hold on %(day)s again.", day=day_text(chosen)), "success")
    return after_change(url_for("availability.show", schedule_id=schedule_id, _anchor="days"))


def _find(schedule_id: UUID | None) -> Schedule | None:
    """Return the member's schedule with that id, or else their default one, if they have any; raises NotFound."""
    member = current_member()
    if schedule_id is not None:
        return queries.get_schedule(member.organization_id, schedule_id, host_id=member.user_id)
    found = queries.schedules(organization_id=member.organization_id, host_id=member.user_id)
    return found[0] if found else None


def _first() -> Schedule:
    member = current_member()
    return default_schedule(
        organization_id=member.organization_id, host_id=member.user_id, timezone=member.user.timezone
    )


def _page(
    schedule: Schedule | None,
    *,
    week: WeekForm | None = None,
    override: OverrideForm | None = None,
    errors: list[str] | None = None,
) -> str:
    member = current_member()
    timezone = member.user.timezone
    zone = clock.find_zone(schedule.timezone if schedule else timezone)
    today = clock.now().astimezone(zone).date()
    days = by_day(row for row in schedule.overrides if row.day >= today) if schedule else []
    return render_template(
        "scheduling/host/availability.html",
        schedule=schedule,
        schedule_id=(request.view_args or {}).get("schedule_id"),
        schedules=queries.schedules(organization_id=member.organization_id, host_id=member.user_id),
        event_types=_offered_by(schedule) if schedule else [],
        week=week or week_form(schedule, timezone=timezone),
        override=override or override_form(),
        errors=errors or [],
        days=days,
        today=today,
    )


def _offered_by(schedule: Schedule) -> list[tuple[EventType, bool]]:
    """Return what the schedule's host hosts, each with whether they do so by this schedule."""
    hosted = queries.hosted_event_types(organization_id=schedule.organization_id, host_id=schedule.host_id)
    return [(hosting, schedule_id_of(hosting, schedule.host_id) == schedule.id) for hosting in hosted]
