"""The base of every form: what WTForms itself has to say comes in the reader's language, too."""

from __future__ import annotations

from typing import Any

import wtforms
from wtforms.i18n import get_translations

from webapp.web.languages import page_language


class Form(wtforms.Form):
    """A form whose built-in sentences follow the language of the page."""

    class Meta:
        """Where WTForms looks for its own sentences."""

        def get_translations(self, _form: wtforms.Form) -> Any:
            """Return the library's words in the language of the page."""
            return get_translations([page_language()])
