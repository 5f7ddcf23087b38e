"""The base of every form: what WTForms itself has to say comes in the reader's language, too."""

from __future__ import annotations

import secrets
from typing import Any

import wtforms
from flask import request
from wtforms.i18n import get_translations

from webapp.web.languages import page_language

_LONGEST_KEY = 64


def new_form_key() -> str:
    """Return what a form carries so that, sent twice, it does its work once."""
    return secrets.token_urlsafe(16)


def form_key() -> str:
    """Return the key that the form was sent with; a new one where it has none that could be kept."""
    key = request.form.get("idempotency_key", "")[:_LONGEST_KEY]
    return key if key.isprintable() and key else new_form_key()


class Form(wtforms.Form):
    """A form whose built-in sentences follow the language of the page."""

    class Meta:
        """Where WTForms looks for its own sentences."""

        def get_translations(self, _form: wtforms.Form) -> Any:
            """Return the library's words in the language of the page."""
            return get_translations([page_language()])
