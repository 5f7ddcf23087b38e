"""How a guest says that a meeting is to be repeated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from werkzeug.datastructures import MultiDict
from wtforms import IntegerField, SelectField

from webapp.scheduling.forms import option
from webapp.scheduling.models import EventType, Frequency
from webapp.scheduling.service.series import Recurrence
from webapp.web.forms import Form

ONCE = ""
FREQUENCIES = [
    option(ONCE, _("Just this once")),
    option(Frequency.WEEKLY, _("Every week")),
    option(Frequency.EVERY_TWO_WEEKS, _("Every two weeks")),
    option(Frequency.MONTHLY, _("Every month, on the same weekday")),
]


class SeriesForm(Form):
    """Whether to repeat the meeting, and how many there are in all; None as `most` when it cannot be repeated."""

    frequency = SelectField(_("Repeat it"), choices=FREQUENCIES, default=ONCE)
    count = IntegerField(_("How many meetings in all"))
    most: int = 1

    def validate(self, extra_validators: Mapping[str, Sequence[Any]] | None = None) -> bool:
        """Say what is wrong with the number, if the meeting is repeated."""
        sound = bool(super().validate(extra_validators)) or not self.repeats
        if self.repeats and not (self.count.data and 2 <= self.count.data <= self.most):
            self.count.errors = [gettext("Please give a number from 2 to %(most)d.", most=self.most)]
            return False
        return sound

    @property
    def repeats(self) -> bool:
        """True when more than one meeting is wanted."""
        return self.most > 1 and bool(self.frequency.data)

    def recurrence(self, skip: Sequence[datetime]) -> Recurrence | None:
        """Return what a valid form says, without the starts that the guest does without; None for one meeting."""
        if not self.repeats:
            return None
        return Recurrence(frequency=Frequency(self.frequency.data), count=self.count.data or 0, skip=skip)


def series_form(event_type: EventType, typed: MultiDict[str, str] | None = None) -> SeriesForm:
    """Return the form, with what was typed, or else four meetings, or as many as the event type allows."""
    form = SeriesForm(typed, data={"count": min(4, event_type.series_most)})
    form.most = event_type.series_most
    return form
