"""The forms about days off: a host's own, and those of their country."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from uuid import UUID

from flask_babel import lazy_gettext as _
from werkzeug.datastructures import MultiDict
from wtforms import DateField, SelectField, SelectMultipleField, TextAreaField
from wtforms.validators import InputRequired

from webapp.identity.models import User
from webapp.scheduling.forms import option, within_years
from webapp.scheduling.models import OutOfOffice, Schedule
from webapp.scheduling.public_holidays import Holiday, countries, subdivision_names
from webapp.scheduling.service.out_of_office import AwayDetails
from webapp.web.forms import Form
from webapp.web.languages import page_language
from webapp.web.times import reader_locale

_DATE = _("Please choose a date.")


class AwayForm(Form):
    """Whole days away, and who hosts meanwhile."""

    first_day = DateField(_("First day away"), [InputRequired(_DATE), within_years])
    last_day = DateField(_("Last day away"), [InputRequired(_DATE), within_years])
    stand_in_id = SelectField(_("Who stands in"))
    note = TextAreaField(_("Note for the team"), render_kw={"maxlength": 500, "rows": 3})

    def details(self, *, timezone: str) -> AwayDetails:
        """Return what a valid form describes; the days are those of the IANA zone `timezone`."""
        return AwayDetails(
            timezone=timezone,
            first_day=self.first_day.data or date.min,
            last_day=self.last_day.data or date.min,
            note=self.note.data or "",
            stand_in_id=UUID(self.stand_in_id.data) if self.stand_in_id.data else None,
        )


class HolidaysForm(Form):
    """The country whose public holidays are days off, and which of them are."""

    country = SelectField(_("Country"))
    subdivision = SelectField(_("Part of the country"))
    closed = SelectMultipleField(_("Closed on"))

    def worked(self) -> list[str]:
        """Return the holidays of a valid form that are no days off."""
        return [str(choice[0]) for choice in self.closed.choices or () if choice[0] not in (self.closed.data or [])]


def away_form(
    colleagues: Iterable[User], *, absence: OutOfOffice | None = None, typed: MultiDict[str, str] | None = None
) -> AwayForm:
    """Return the form for days away, new or noted, or what was typed; `colleagues` are who may stand in."""
    form = AwayForm(typed, obj=absence, stand_in_id=str(absence.stand_in_id or "") if absence else "")
    people = [option(str(user.id), user.name) for user in colleagues]
    form.stand_in_id.choices = [option("", _("Nobody: nothing can be booked")), *people]
    return form


def holidays_form(
    schedule: Schedule | None, coming: Sequence[Holiday], typed: MultiDict[str, str] | None = None
) -> HolidaysForm:
    """Return the form for a schedule's holidays, or what was typed; those `coming` can be switched off."""
    labels = {holiday.name: holiday.label(page_language()) for holiday in coming}
    country = schedule.holiday_country if schedule else None
    worked = schedule.worked_holidays if schedule else []
    form = HolidaysForm(
        typed,
        country=country or "",
        subdivision=(schedule and schedule.holiday_subdivision) or "",
        closed=[name for name in labels if name not in worked],
    )
    territories = reader_locale().territories
    known = sorted((str(territories.get(code, code)), code) for code in countries())
    form.country.choices = [option("", _("No public holidays")), *(option(code, name) for name, code in known)]
    parts = sorted((name, code) for code, name in subdivision_names(country).items()) if country else []
    form.subdivision.choices = [option("", _("The whole country")), *(option(code, name) for name, code in parts)]
    form.closed.choices = list(labels.items())
    return form
