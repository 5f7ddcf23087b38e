"""The host's questions in the guest's form: one field each, of the kind that suits the answer."""

from __future__ import annotations

from functools import partial
from typing import Any

from flask_babel import lazy_gettext as _
from wtforms import (
    BooleanField,
    Field,
    RadioField,
    SelectMultipleField,
    StringField,
    TelField,
    TextAreaField,
)
from wtforms.validators import InputRequired

from webapp.scheduling.forms import checked_by, option
from webapp.scheduling.models import QuestionKind
from webapp.scheduling.service.answers import check_answer
from webapp.scheduling.service.guests import LONGEST_ANSWER
from webapp.scheduling.service.questions import Question

_KINDS: dict[QuestionKind, tuple[type[Field], dict[str, Any]]] = {
    QuestionKind.SHORT_TEXT: (StringField, {"maxlength": LONGEST_ANSWER}),
    QuestionKind.LONG_TEXT: (TextAreaField, {"maxlength": LONGEST_ANSWER}),
    QuestionKind.SINGLE_CHOICE: (RadioField, {}),
    QuestionKind.MULTIPLE_CHOICE: (SelectMultipleField, {}),
    QuestionKind.CHECKBOX: (BooleanField, {}),
    QuestionKind.PHONE: (TelField, {"maxlength": 40, "autocomplete": "tel"}),
    QuestionKind.NUMBER: (StringField, {"maxlength": 20, "inputmode": "decimal"}),
}


def question_field(question: Question) -> Field:
    """Return the field in which guests answer the question; the service's own check decides what fits."""
    kind, attributes = _KINDS[question.kind]
    further: dict[str, Any] = {}
    if question.kind.has_options:
        # What is none of the options is refused by the service, in words of its own.
        further = {"choices": _options(question), "validate_choice": False}
    return kind(
        question.label,
        [*_required(question), checked_by(partial(check_answer, question))],
        render_kw=attributes,
        **further,
    )


def _options(question: Question) -> list[Any]:
    """Return the options; of a single choice that nobody has to make, a radio button to take it back, too."""
    free = question.kind is QuestionKind.SINGLE_CHOICE and not question.required
    return [*(option(text, text) for text in question.options), *([option("", _("No answer"))] if free else [])]


def _required(question: Question) -> list[InputRequired]:
    if not question.required:
        return []
    if question.kind is QuestionKind.CHECKBOX:
        return [InputRequired(_("Please tick this box to go on."))]
    if question.kind.has_options:
        return [InputRequired(_("Please choose an option."))]
    return [InputRequired(_("Please answer this question."))]
