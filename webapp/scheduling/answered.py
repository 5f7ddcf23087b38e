"""What a guest has answered, in words."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _

from webapp.scheduling.models import Booking


def answered(booking: Booking) -> list[tuple[str, str]]:
    """Return what was asked and answered, in the order of the questions; those no longer asked come last."""
    labels = {str(question["key"]): str(question["label"]) for question in booking.event_type.questions}
    order = [*labels, *(key for key in booking.answers if key not in labels)]
    return [
        (labels.get(key, key), in_words(booking.answers[key])) for key in order if booking.answers.get(key, "") != ""
    ]


def in_words(answer: Any) -> str:
    """Return an answer as text, of several options each on a line of its own."""
    if isinstance(answer, bool):
        return str(_("Yes") if answer else _("No"))
    return "\n".join(answer) if isinstance(answer, list) else str(answer)
