"""Whom guests bring along, typed as e-mail addresses with commas or line breaks between them."""

from __future__ import annotations

import re

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from wtforms import Field, TextAreaField
from wtforms.validators import Length

from webapp.core.addresses import email_address
from webapp.scheduling.forms import checked_by
from webapp.web.forms import Form

_LONGEST = 4000
_BETWEEN = re.compile(r"[\s,;]+")


def split_addresses(text: str) -> list[str]:
    """Return the addresses as they were typed."""
    return list(filter(None, _BETWEEN.split(text)))


def attendees_field() -> Field:
    """Return a field for the addresses of people to invite as well."""
    return TextAreaField(
        _("Who else takes part"),
        [Length(max=_LONGEST), checked_by(_check)],
        render_kw={"maxlength": _LONGEST, "rows": 3, "autocapitalize": "none", "spellcheck": "false"},
    )


def _check(text: str) -> None:
    for typed in split_addresses(text):
        try:
            email_address(typed)
        except ValueError:
            fault = gettext("“%(typed)s” is not an e-mail address; please write it like name@example.com.", typed=typed)
            raise ValueError(fault) from None


class AttendeesForm(Form):
    """Who is to be invited to a booking that there is already."""

    attendees = attendees_field()
