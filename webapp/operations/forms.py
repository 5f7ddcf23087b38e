"""The form in which a periodic job is changed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from flask_babel import lazy_gettext as _
from wtforms import SelectField, StringField, TextAreaField, ValidationError
from wtforms.validators import InputRequired

from jobs.runtime.models import JobSchedule
from webapp.core.validation import FieldError
from webapp.web.forms import Form
from webapp.web.languages import told
from webapp.web.times import zone_choices


class ScheduleForm(Form):
    """When a periodic job runs, and with what. The runtime checks what the fields say."""

    cron = StringField(_("When"), [InputRequired(_("Please give the five fields, such as 0 3 * * *."))])
    timezone = SelectField(_("Time zone"), validate_choice=False)
    arguments = TextAreaField(_("Arguments"))

    @classmethod
    def of(cls, row: JobSchedule) -> ScheduleForm:
        """Return the form filled from a periodic job."""
        arguments = json.dumps(row.arguments, indent=2, ensure_ascii=False)
        return cls(data={"cron": row.cron, "timezone": row.timezone, "arguments": arguments}).offer_zones(row.timezone)

    def offer_zones(self, chosen: str) -> ScheduleForm:
        """Offer every zone, `chosen` among them."""
        self.timezone.choices = {region: list(zones) for region, zones in zone_choices(chosen)}
        return self

    def show(self, errors: Iterable[FieldError]) -> list[str]:
        """Put what was refused beside its field; return what belongs to none."""
        rest = []
        for error in errors:
            if error.field in self._fields:
                self._fields[error.field].errors = [told(error.message)]
            else:
                rest.append(told(error.message))
        return rest

    def validate_arguments(self, field: Any) -> None:
        """Refuse what is no JSON object."""
        try:
            values = json.loads(field.data or "{}")
        except ValueError:
            values = None
        if not isinstance(values, dict):
            raise ValidationError(_('Please write a JSON object, such as {"days": 7}; {} for no arguments.'))
