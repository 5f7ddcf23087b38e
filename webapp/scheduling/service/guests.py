"""What a guest tells about themselves, and how it is checked; forms and the API share these functions."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import phonenumbers

from webapp.core.words import say

LONGEST_NAME = 120
LONGEST_EMAIL = 254
LONGEST_PHONE = 40
LONGEST_ANSWER = 5000

# Isolates are left, since text in two directions needs them, and they end with their line.
_TURNING = frozenset({"LRE", "LRO", "RLE", "RLO"})


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
    """Return the text without blanks around it; raises ValueError for characters that no text field can hold.

    These are the control characters, and those that have what follows read in another direction until further notice:
    in a subject or on a page, that is more than the text itself.
    """
    if any(_is_control(character) for character in text):
        raise ValueError(say("This contains a control character; please remove it."))
    return text.strip()


def _is_control(character: str) -> bool:
    is_one = unicodedata.category(character) == "Cc" or unicodedata.bidirectional(character) in _TURNING
    return is_one and character not in "\n\r\t"


def one_line(text: str) -> str:
    """Return the text without blanks around it; raises ValueError when it is more than one line."""
    if any(character in "\n\r\t\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029" for character in text.strip()):
        raise ValueError(say("This must be one line; please remove line breaks and tabs."))
    return plain_text(text)
