"""What a guest tells about themselves, and how it is checked; forms and the API share these functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import phonenumbers

from webapp.core.validation import FieldErrors
from webapp.core.words import say

LONGEST_ANSWER = 5000


@dataclass(frozen=True, kw_only=True, slots=True)
class Guest:
    """Who books: `email` as `email_address` returns it, `phone` in E.164, `timezone` an IANA name.

    `locale` is the tag of the language in which they are written to; empty where nobody said.
    """

    name: str
    email: str
    timezone: str
    phone: str | None = None
    locale: str = ""


def phone_number(text: str) -> str | None:
    """Return the number in E.164, or None for an empty text; raises ValueError when it cannot be one."""
    if not text.strip():
        return None
    try:
        number = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        raise ValueError(say("This is not a phone number; please write it with its country code, like +49 30 1234567."))
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def plain_text(text: str) -> str:
    """Return the text without blanks around it; raises ValueError for characters that no text field can hold."""
    if any(character < " " and character not in "\n\r\t" for character in text):
        raise ValueError(say("This contains a control character; please remove it."))
    return text.strip()


def one_line(text: str) -> str:
    """Return the text without blanks around it; raises ValueError when it is more than one line."""
    if any(character in "\n\r\t\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029" for character in text.strip()):
        raise ValueError(say("This must be one line; please remove line breaks and tabs."))
    return plain_text(text)


def check_answers(*, questions: Sequence[Mapping[str, Any]], answers: Mapping[str, str]) -> dict[str, str]:
    """Return the answers by question key, empty ones left out.

    Raises InvalidInput naming `answers.<key>` for each answer that is missing, too long or to no question of these.
    """
    faults, kept = FieldErrors(), {}
    for question in questions:
        key = question["key"]
        with faults.of(f"answers.{key}"):
            if answer := _answer(question, answers.get(key, "")):
                kept[key] = answer
    for key in answers.keys() - {question["key"] for question in questions}:
        faults.add(f"answers.{key}", say("There is no such question; please leave this answer out."))
    faults.refuse()
    return kept


def _answer(question: Mapping[str, Any], text: str) -> str:
    answer = plain_text(text) if question.get("long") else one_line(text)
    if not answer and question.get("required"):
        raise ValueError(say("Please answer this question."))
    if len(answer) > LONGEST_ANSWER:
        raise ValueError(
            say(
                "This answer is too long; please use at most %(most)d characters.",
                most=LONGEST_ANSWER,
            )
        )
    return answer
