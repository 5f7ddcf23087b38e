"""What guests can be asked."""

from __future__ import annotations

from enum import StrEnum


class QuestionKind(StrEnum):
    """What an answer looks like; in JSON a text, a number, true, or the list of the options that were chosen."""

    SHORT_TEXT = "short_text"
    LONG_TEXT = "long_text"
    SINGLE_CHOICE = "single_choice"
    MULTIPLE_CHOICE = "multiple_choice"
    CHECKBOX = "checkbox"
    PHONE = "phone"
    NUMBER = "number"

    @property
    def has_options(self) -> bool:
        """True when the answer is chosen among options."""
        return self in {QuestionKind.SINGLE_CHOICE, QuestionKind.MULTIPLE_CHOICE}
