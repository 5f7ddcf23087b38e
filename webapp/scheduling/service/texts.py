"""How the texts that a host writes are checked."""

from __future__ import annotations

import re

from webapp.core.words import LONGEST_SLUG, is_slug, say

_NOT_IN_SLUG = re.compile(r"[^a-z0-9]+")


def at_most(most: int, text: str) -> str:
    """Return the text; raises ValueError when it has more characters."""
    if len(text) > most:
        raise ValueError(say("This is too long; please use at most %(most)d characters.", most=most))
    return text


def require_text(text: str) -> None:
    """Raise ValueError when there is nothing but blanks."""
    if not text.strip():
        raise ValueError(say("This must not be empty."))


def require_slug(slug: str) -> None:
    """Raise ValueError when the text cannot be the end of an address."""
    if not is_slug(slug):
        raise ValueError(
            say(
                "Please use up to %(most)d small letters, digits and single hyphens, such as first-meeting.",
                most=LONGEST_SLUG,
            )
        )


def slug_for(name: str) -> str:
    """Return a slug made from a name, for a form to propose; may be empty when the name holds no such letters."""
    return _NOT_IN_SLUG.sub("-", name.lower()).strip("-")[:LONGEST_SLUG].rstrip("-")
