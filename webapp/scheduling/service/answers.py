"""What guests answer to the host's questions, and how it is checked; forms and the API share these functions.

An answer is kept under its question's key as JSON: a text (also of a single choice, and of a phone number in E.164), a
number, true of a ticked box, or the list of the options that were chosen, in the order in which they are offered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from webapp.core.validation import FieldErrors
from webapp.core.words import say
from webapp.scheduling.models import QuestionKind
from webapp.scheduling.service.guests import LONGEST_ANSWER, LONGEST_PHONE, one_line, phone_number, plain_text
from webapp.scheduling.service.questions import Question
from webapp.scheduling.service.texts import at_most

Answer = str | bool | int | float | Sequence[str]

_NUMBER = re.compile(r"[+-]?[0-9]{1,12}([.,][0-9]{1,6})?")
_LARGEST = 10**12


def check_answers(*, questions: Sequence[Mapping[str, Any]], answers: Mapping[str, Answer]) -> dict[str, Answer]:
    """Return the answers by question key, empty ones left out.

    Raises InvalidInput naming `answers.<key>` for each answer that is missing, of another kind, or to no question of
    these.
    """
    faults, kept = FieldErrors(), {}
    for question in map(Question.of, questions):
        with faults.of(f"answers.{question.key}"):
            answer = check_answer(question, answers.get(question.key, ""))
            if answer is not None:
                kept[question.key] = answer
    for key in answers.keys() - {question["key"] for question in questions}:
        faults.add(f"answers.{key}", say("There is no such question; please leave this answer out."))
    faults.refuse()
    return kept


def check_answer(question: Question, given: Answer) -> Answer | None:
    """Return the answer as it is kept, None when there is none; raises ValueError when it does not fit the question."""
    answer = _READERS[question.kind](question, given)
    if answer is None and question.required:
        raise ValueError(
            say("Please tick this box to go on.")
            if question.kind is QuestionKind.CHECKBOX
            else say("Please answer this question.")
        )
    return answer


def _text(question: Question, given: Answer) -> str | None:
    text = _require_text(given)
    answer = plain_text(text) if question.kind is QuestionKind.LONG_TEXT else one_line(text)
    if len(answer) > LONGEST_ANSWER:
        raise ValueError(say("This answer is too long; please use at most %(most)d characters.", most=LONGEST_ANSWER))
    return answer or None


def _choice(question: Question, given: Answer) -> str | None:
    if not given:
        return None
    if given not in question.options:
        raise ValueError(say("Please choose one of the options."))
    return str(given)


def _choices(question: Question, given: Answer) -> list[str] | None:
    if not given:
        return None
    chosen = [given] if isinstance(given, str) else given
    if isinstance(chosen, bool | int | float) or not set(chosen) <= set(question.options):
        raise ValueError(say("Please choose among the options."))
    return [option for option in question.options if option in chosen]


def _tick(_question: Question, given: Answer) -> bool | None:
    if given not in (True, False, "") or (isinstance(given, int | float) and not isinstance(given, bool)):
        raise ValueError(say("Please answer with true or false."))
    return True if given else None


def _phone(_question: Question, given: Answer) -> str | None:
    return phone_number(at_most(LONGEST_PHONE, _require_text(given)))


def _number(_question: Question, given: Answer) -> int | float | None:
    if given == "":
        return None
    number = _read_number(given)
    if number is None:
        raise ValueError(say("Please answer with a number, such as 12 or 2.5."))
    if not abs(number) < _LARGEST:  # said so, it also refuses what is no number at all
        raise ValueError(say("This number is too large."))
    return int(number) if number == int(number) else number


def _read_number(given: Answer) -> int | float | None:
    if isinstance(given, str):
        typed = given.strip()
        return float(typed.replace(",", ".")) if _NUMBER.fullmatch(typed) else None
    return given if isinstance(given, int | float) and not isinstance(given, bool) else None


def _require_text(given: Answer) -> str:
    text = given if isinstance(given, str) else None
    if text is None:
        raise ValueError(say("Please answer with a text."))
    return text


_READERS: Mapping[QuestionKind, Callable[[Question, Answer], Answer | None]] = {
    QuestionKind.SHORT_TEXT: _text,
    QuestionKind.LONG_TEXT: _text,
    QuestionKind.SINGLE_CHOICE: _choice,
    QuestionKind.MULTIPLE_CHOICE: _choices,
    QuestionKind.CHECKBOX: _tick,
    QuestionKind.PHONE: _phone,
    QuestionKind.NUMBER: _number,
}
