"""The kinds of values that scheduling's API takes and answers."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, StringConstraints, WithJsonSchema

from webapp.core import clock
from webapp.core.addresses import email_address
from webapp.core.languages import LONGEST_TAG, checked_tag
from webapp.core.words import say
from webapp.scheduling.service.event_types import NUMBERS
from webapp.scheduling.service.guests import (
    LONGEST_ANSWER,
    LONGEST_EMAIL,
    LONGEST_NAME,
    LONGEST_PHONE,
    one_line,
    phone_number,
    plain_text,
)
from webapp.scheduling.service.questions import LONGEST_KEY, LONGEST_OPTION, MOST_OPTIONS, MOST_QUESTIONS

LINK = "What the secret link, or the link that books once, ends with after `link=`; there is no way in without one."

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?([Zz]|[+-]\d{2}:?\d{2})", re.ASCII)


def within(field: str) -> Any:
    """Describe between what this number of an event type has to be; its service checks that, and says so plainly."""
    bounds = NUMBERS[field]
    return Field(json_schema_extra={"minimum": bounds.least, "maximum": bounds.most})


def up_to(most: int) -> Any:
    """Describe how many characters a text may have; it is checked like `within`."""
    return Field(json_schema_extra={"maxLength": most})


def at_most(most: int) -> Any:
    """Describe how many things a list may hold, each counted once; it is checked like `within`."""
    return Field(json_schema_extra={"maxItems": most})


def _zone(name: str) -> str:
    clock.find_zone(name)
    return name


def _date(text: object) -> date:
    """Return a date of any year that there is."""
    try:
        if isinstance(text, str) and _DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass  # a 30th of February
    raise ValueError(say("This is not a date; please write it like 2026-11-24."))


def _moment(text: object) -> datetime:
    """Return the instant, aware and in UTC."""
    try:
        if isinstance(text, str) and _MOMENT.fullmatch(text):
            return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        pass  # a 25th hour, or a time that is in no year in UTC
    raise ValueError(say("Please write the time with its offset, like 2026-11-24T14:30:00+01:00."))


def _within_years(when: date) -> date:
    clock.require_year(when)
    return when


def _answer(given: Any) -> Any:
    texts = given if isinstance(given, list) else [given] if isinstance(given, str) else []
    if len(texts) > MOST_OPTIONS or not isinstance(given, str | bool | int | float | list):
        raise ValueError(say("Please answer with a text, a number, true or false, or a list of options."))
    if not all(isinstance(text, str) for text in texts):
        raise ValueError(say("A list of options holds texts only."))
    return given


def _filled(text: str) -> str:
    if not text:
        raise ValueError(say("This must not be empty."))
    return text


ZoneName = Annotated[str, StringConstraints(max_length=64), AfterValidator(_zone), Field(examples=["Europe/Berlin"])]


Language = Annotated[
    str, StringConstraints(max_length=LONGEST_TAG), AfterValidator(checked_tag), Field(examples=["de", "en-GB"])
]


# What is asked for between two of these may be of any year; what is written down may not.
AnyDay = Annotated[date, BeforeValidator(_date)]


AnyStart = Annotated[datetime, BeforeValidator(_moment), Field(description="With its offset from UTC.")]


Day = Annotated[AnyDay, AfterValidator(_within_years)]


Start = Annotated[AnyStart, AfterValidator(_within_years)]


Moment = Annotated[
    datetime,
    PlainSerializer(datetime.isoformat, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}, mode="serialization"),
]


Length = Annotated[
    int, within("duration"), Field(description="One of the event type's `durations`; the first if not given.")
]


Name = Annotated[str, StringConstraints(max_length=LONGEST_NAME), AfterValidator(one_line), AfterValidator(_filled)]


Email = Annotated[
    str, StringConstraints(max_length=LONGEST_EMAIL), AfterValidator(email_address), Field(examples=["ada@example.com"])
]


Phone = Annotated[str, StringConstraints(max_length=LONGEST_PHONE), AfterValidator(phone_number)]


Reason = Annotated[str, StringConstraints(max_length=500), AfterValidator(plain_text)]


AnswerKey = Annotated[str, StringConstraints(max_length=LONGEST_KEY)]


_ANSWER = {
    "anyOf": [
        {"type": "string", "maxLength": LONGEST_ANSWER},
        {"type": "boolean"},
        {"type": "number"},
        {"type": "array", "items": {"type": "string", "maxLength": LONGEST_OPTION}, "maxItems": MOST_OPTIONS},
    ]
}


# One check of our own, since a union would name the answer once for each of its members.
AnswerValue = Annotated[Any, AfterValidator(_answer), WithJsonSchema(_ANSWER)]


Answers = Annotated[dict[AnswerKey, AnswerValue], Field(max_length=MOST_QUESTIONS)]
