"""What a host asks of every guest, and how it is kept with the event type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from webapp.core.validation import FieldErrors
from webapp.core.words import say
from webapp.scheduling.models import QuestionKind
from webapp.scheduling.service.guests import one_line
from webapp.scheduling.service.texts import at_most, require_text, slug_for

MOST_QUESTIONS = 20
MOST_OPTIONS = 50
LONGEST_OPTION = 100
LONGEST_LABEL = 200
LONGEST_KEY = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """Something asked of every guest; a required checkbox has to be ticked. Only choices have `options`.

    `key` names its answers for ever; leave it empty for a new question.
    """

    label: str
    kind: QuestionKind = QuestionKind.SHORT_TEXT
    required: bool = False
    options: Sequence[str] = ()
    key: str = ""

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Question:
        """Return a question as it was kept; what was written before there were kinds says only whether it is `long`."""
        usual = QuestionKind.LONG_TEXT if kept.get("long") else QuestionKind.SHORT_TEXT
        return cls(
            key=kept["key"],
            label=kept["label"],
            kind=QuestionKind(kept.get("kind", usual)),
            required=bool(kept.get("required")),
            options=tuple(kept.get("options", ())),
        )

    def to_keep(self) -> dict[str, Any]:
        """Return the question as it is kept; `long` is for processes of the release that knew no kinds."""
        return {
            "key": self.key,
            "label": self.label,
            "kind": self.kind.value,
            "required": self.required,
            "options": list(self.options),
            "long": self.kind is QuestionKind.LONG_TEXT,
        }


def checked_questions(questions: Sequence[Question], faults: FieldErrors) -> list[dict[str, Any]]:
    """Return the questions as they are kept, each with a key of its own; `faults` takes what is wrong."""
    if len(questions) > MOST_QUESTIONS:
        faults.add("questions", say("Please ask at most %(most)d questions.", most=MOST_QUESTIONS))
    taken = {question.key for question in questions if question.key}
    kept = []
    for index, question in enumerate(questions):
        with faults.of(f"questions.{index}"):
            require_text(question.label)
            label = at_most(LONGEST_LABEL, one_line(question.label))
            key = at_most(LONGEST_KEY, one_line(question.key)) or _new_key(label, taken)
            taken.add(key)
            options = _options(question)
            checked = Question(key=key, label=label, kind=question.kind, required=question.required, options=options)
            kept.append(checked.to_keep())
    if len({question["key"] for question in kept}) < len(kept):
        faults.add("questions", say("Two questions share a key; please leave the key of a new question empty."))
    return kept


def _options(question: Question) -> list[str]:
    """Return what can be chosen, which is nothing where the kind knows no options."""
    if not question.kind.has_options:
        return []
    options = [at_most(LONGEST_OPTION, one_line(option)) for option in question.options if option.strip()]
    if not 2 <= len(options) <= MOST_OPTIONS:
        raise ValueError(say("Please offer between 2 and %(most)d options to choose from.", most=MOST_OPTIONS))
    if len(set(options)) < len(options):
        raise ValueError(say("Two options read the same; please make each of them different."))
    return options


def _new_key(label: str, taken: set[str]) -> str:
    base = slug_for(label)[:40].rstrip("-") or "question"
    numbered = (f"{base}-{number}" for number in range(2, MOST_QUESTIONS + 3))
    return base if base not in taken else next(key for key in numbered if key not in taken)
