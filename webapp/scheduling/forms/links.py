"""The form in which a host makes a link that books once."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _
from wtforms import DateField, EmailField, StringField
from wtforms.validators import Optional

from webapp.web.forms import Form


class LinkForm(Form):
    """Whom the link is for, and until when it can be used; all of it may be left out."""

    guest_name = StringField(_("Guest's name"), render_kw={"maxlength": 120, "autocomplete": "off"})
    guest_email = EmailField(_("Guest's e-mail address"), render_kw={"maxlength": 254, "autocomplete": "off"})
    expires_at = DateField(_("Last day"), [Optional()])

    def end(self, zone: ZoneInfo) -> datetime | None:
        """Return the end of the last day in `zone`, aware; None when it has no end."""
        day = self.expires_at.data
        if day is None or day.year > 9000:  # nobody waits for that, and the calendar ends soon after
            return None
        return datetime.combine(day + timedelta(days=1), time(), zone)
