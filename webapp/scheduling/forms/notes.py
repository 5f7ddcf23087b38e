"""What a host writes down about a booking."""

from __future__ import annotations

from flask_babel import lazy_gettext as _
from wtforms import TextAreaField
from wtforms.validators import DataRequired, Length

from webapp.scheduling.forms import checked_by
from webapp.scheduling.models import LONGEST_NOTE
from webapp.scheduling.service.guests import plain_text
from webapp.web.forms import Form


class NoteForm(Form):
    """One more note."""

    text = TextAreaField(
        _("New note"),
        [DataRequired(_("Please write something down.")), Length(max=LONGEST_NOTE), checked_by(plain_text)],
        render_kw={"maxlength": LONGEST_NOTE, "rows": 3},
    )
