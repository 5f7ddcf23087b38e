"""The languages that Almanac speaks, and the customs of those who read them.

A reader is known by a language tag such as `de-AT`. Where Almanac speaks that language, the reader gets it with the
customs of the region; everybody else gets English with the clock of their own country, since much of the world reads
English with other habits.
"""

from __future__ import annotations

from functools import lru_cache

from babel import Locale, UnknownLocaleError

from webapp.core.words import say

# English is what the sources say; each other language has its words in translations/<language>/LC_MESSAGES/messages.po.
SOURCE_LANGUAGE = "en"
LANGUAGES = (SOURCE_LANGUAGE, "de")
# What a member can choose: a language with the customs of a place.
TAGS = ("en-GB", "en-US", "de")
LONGEST_TAG = 35  # as RFC 5646 recommends

# English with the day first, and a clock that counts to 24 or to 12.
WORLD_24, _WORLD_12 = Locale.parse("en_150"), Locale.parse("en_001")


def customs(tag: str, *, unknown: Locale = WORLD_24) -> Locale:
    """Return the locale in which somebody of this language tag is written to: `unknown` where it says nothing."""
    found = _parsed(tag)
    if found is None:
        return unknown
    if found.language in LANGUAGES:
        return found
    return _WORLD_12 if counts_to_twelve(found) else WORLD_24


def tag_of(locale: Locale) -> str:
    """Return the tag by which `customs` finds the locale again, such as `en-US`."""
    return str(locale).replace("_", "-")


def checked_tag(text: str) -> str:
    """Return the tag in its usual spelling; raises ValueError when there is no such language."""
    found = _parsed(text)
    if found is None:
        raise ValueError(say("This is not a language; please write its tag, like de or en-GB."))
    return tag_of(found)


def counts_to_twelve(locale: Locale) -> bool:
    """True where the clock counts to 12 twice a day."""
    return "h" in locale.time_formats["short"].pattern


def clock_pattern(locale: Locale) -> str:
    """Return how a time of day is written there, as a pattern of Unicode's: 14:30 or 2:30 PM."""
    return "h:mm\N{NO-BREAK SPACE}a" if counts_to_twelve(locale) else "HH:mm"


@lru_cache(maxsize=256)
def _parsed(tag: str) -> Locale | None:
    try:
        return Locale.parse(tag.replace("-", "_")) if len(tag) <= LONGEST_TAG else None
    except (ValueError, UnknownLocaleError, TypeError):
        return None
