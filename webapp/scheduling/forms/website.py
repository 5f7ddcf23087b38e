"""The form that names the sites which may show booking pages."""

from __future__ import annotations

from flask_babel import lazy_gettext as _
from wtforms import TextAreaField

from webapp.web.forms import Form


class SitesForm(Form):
    """One site a line."""

    sites = TextAreaField(
        _("Sites that may show your booking pages"),
        render_kw={"rows": 3, "maxlength": 15_000, "spellcheck": "false", "autocapitalize": "none"},
    )

    def lines(self) -> list[str]:
        """Return the sites that are named."""
        return [line.strip() for line in (self.sites.data or "").splitlines() if line.strip()]
