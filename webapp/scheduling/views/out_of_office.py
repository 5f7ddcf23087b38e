"""Days off: a host's own, with who stands in, and those of their country."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from webapp.core import clock
from webapp.core.clock import find_zone
from webapp.core.db import transaction
from webapp.core.validation import FieldError, InvalidInput
from webapp.identity.access import current_member, signed_in
from webapp.identity.models import User
from webapp.identity.queries import active_members
from webapp.scheduling import queries
from webapp.scheduling.errors import AlreadyAway
from webapp.scheduling.forms import show_errors
from webapp.scheduling.forms.out_of_office import AwayForm, HolidaysForm, away_form, holidays_form
from webapp.scheduling.models import OutOfOffice, Schedule
from webapp.scheduling.public_holidays import Holiday, holidays_between, subdivision_names
from webapp.scheduling.service.holidays import choose_holidays
from webapp.scheduling.service.out_of_office import be_away, be_back, change_absence
from webapp.scheduling.views.misfits import after_change
from webapp.web.times import reader_locale

blueprint = Blueprint("out_of_office", __name__, url_prefix="/app/availability/days-off")


@blueprint.get("")
@signed_in
def index() -> str:
    """List the member's days away, with the form to note more."""
    return _page(away_form(_colleagues()))


@blueprint.post("")
@signed_in
def create() -> ResponseReturnValue:
    """Be away for some days."""
    member, form = current_member(), away_form(_colleagues(), typed=request.form)
    if not form.validate():
        return _page(form), 422
    try:
        with transaction():
            be_away(
                organization_id=member.organization_id,
                host_id=member.user_id,
                details=form.details(timezone=member.user.timezone),
            )
    except (InvalidInput, AlreadyAway) as refused:
        return _page(form, errors=_shown(form, refused)), refused.status
    flash(_("Noted. Bookings already made stay."), "success")
    return after_change(url_for("out_of_office.index"))


@blueprint.get("/<uuid:absence_id>")
@signed_in
def edit(absence_id: UUID) -> str:
    """Show the form that changes days away."""
    found = _own(absence_id)
    return _edit_page(found, away_form(_colleagues(), absence=found))


@blueprint.post("/<uuid:absence_id>")
@signed_in
def update(absence_id: UUID) -> ResponseReturnValue:
    """Change days away."""
    found = _own(absence_id)
    form = away_form(_colleagues(), absence=found, typed=request.form)
    if not form.validate():
        return _edit_page(found, form), 422
    try:
        with transaction():
            change_absence(absence=found, details=form.details(timezone=found.timezone))
    except (InvalidInput, AlreadyAway) as refused:
        return _edit_page(found, form, errors=_shown(form, refused)), refused.status
    flash(_("Saved."), "success")
    return after_change(url_for("out_of_office.index"))


@blueprint.post("/<uuid:absence_id>/delete")
@signed_in
def delete(absence_id: UUID) -> ResponseReturnValue:
    """Take guests on those days again."""
    found = _own(absence_id)
    with transaction():
        be_back(absence=found)
    flash(_("Guests can book you on these days again."), "success")
    return redirect(url_for("out_of_office.index"), 303)


@blueprint.get("/holidays/<uuid:schedule_id>")
@signed_in
def holidays(schedule_id: UUID) -> str:
    """Show which public holidays close a schedule."""
    schedule = _schedule(schedule_id)
    coming = _coming(schedule)
    return _holidays_page(schedule, coming, holidays_form(schedule, coming))


@blueprint.post("/holidays/<uuid:schedule_id>")
@signed_in
def save_holidays(schedule_id: UUID) -> ResponseReturnValue:
    """Choose which public holidays close a schedule; another country begins with all of its holidays."""
    schedule = _schedule(schedule_id)
    coming = _coming(schedule)
    form = holidays_form(schedule, coming, request.form)
    if not form.validate():
        return _holidays_page(schedule, coming, form), 422
    same = form.country.data == (schedule.holiday_country or "")
    try:
        with transaction():
            choose_holidays(
                schedule=schedule,
                country=form.country.data or None,
                subdivision=(same and form.subdivision.data) or None,
                worked=form.worked() if same else [],
            )
    except InvalidInput as invalid:
        return _holidays_page(schedule, coming, form, errors=show_errors(form, invalid.errors)), 422
    flash(_("Saved. A single day with hours of its own stays open."), "success")
    return after_change(url_for("out_of_office.holidays", schedule_id=schedule_id))


def _own(absence_id: UUID) -> OutOfOffice:
    member = current_member()
    return queries.get_absence(member.organization_id, absence_id, host_id=member.user_id)


def _schedule(schedule_id: UUID) -> Schedule:
    member = current_member()
    return queries.get_schedule(member.organization_id, schedule_id, host_id=member.user_id)


def _colleagues() -> list[User]:
    """Return who may stand in for the member."""
    member = current_member()
    return [each.user for each in active_members(member.organization_id) if each.user_id != member.user_id]


def _coming(schedule: Schedule) -> list[Holiday]:
    """Return the holidays of the schedule's country in the year to come."""
    if schedule.holiday_country is None:
        return []
    today = clock.now().astimezone(find_zone(schedule.timezone)).date()
    place = schedule.holiday_country, schedule.holiday_subdivision
    return list(holidays_between(*place, first=today, last=today + timedelta(days=365)))


def _shown(form: AwayForm, refused: InvalidInput | AlreadyAway) -> list[str]:
    errors = refused.errors if isinstance(refused, InvalidInput) else (FieldError("first_day", str(refused)),)
    return show_errors(form, errors)


def _country_text(schedule: Schedule) -> str:
    """Return the country whose holidays close a schedule, with the part of it."""
    country = schedule.holiday_country or ""
    name = str(reader_locale().territories.get(country, country))
    part = subdivision_names(country).get(schedule.holiday_subdivision or "") if country else None
    return f"{name} ({part})" if part else name


def _today() -> date:
    return clock.now().astimezone(find_zone(current_member().user.timezone)).date()


def _page(form: AwayForm, *, errors: list[str] | None = None) -> str:
    member = current_member()
    whose = {"organization_id": member.organization_id, "host_id": member.user_id}
    return render_template(
        "scheduling/host/days_off.html",
        form=form,
        errors=errors or [],
        absences=queries.absences(**whose, after=_today()),
        schedules=queries.schedules(**whose),
        country_text=_country_text,
        today=_today(),
        zone=find_zone(member.user.timezone),
    )


def _edit_page(absence: OutOfOffice, form: AwayForm, *, errors: list[str] | None = None) -> str:
    return render_template("scheduling/host/day_off.html", absence=absence, form=form, errors=errors or [])


def _holidays_page(
    schedule: Schedule, coming: list[Holiday], form: HolidaysForm, *, errors: list[str] | None = None
) -> str:
    return render_template(
        "scheduling/host/holidays.html", schedule=schedule, coming=coming, form=form, errors=errors or []
    )
