"""Public holidays, by country and by the part of a country that has its own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from typing import NamedTuple

import holidays

from webapp.core.words import say

# The names by which single holidays are left out, whatever language the server speaks.
_LANGUAGE = "en_US"


class Holiday(NamedTuple):
    """A day off somewhere; a day with several reasons has all of them in its name, which is always English."""

    day: date
    name: str
    country: str
    subdivision: str | None

    def label(self, language: str) -> str:
        """Return its name in a language (such as `de`) where that is known of its country, else the English one."""
        return _labels(self.country, self.subdivision, self.day.year, language).get(self.day, self.name)


@lru_cache(maxsize=1)
def countries() -> dict[str, tuple[str, ...]]:
    """Return the countries whose holidays are known (ISO 3166), each with its subdivisions that have their own."""
    return {code: tuple(parts) for code, parts in holidays.list_supported_countries(include_aliases=False).items()}


@lru_cache(maxsize=1024)
def subdivision_names(country: str) -> dict[str, str]:
    """Return the subdivisions of a country by their codes, each with its name, or its code where it has none."""
    aliases = holidays.country_holidays(country).get_subdivision_aliases()
    return {code: (aliases.get(code) or [code])[-1] for code in countries()[country]}


def require_country(country: str) -> None:
    """Raise ValueError when the country's holidays are not known."""
    if country not in countries():
        raise ValueError(say("The holidays of this country are not known; please choose one of the list."))


def require_subdivision(country: str | None, subdivision: str) -> None:
    """Raise ValueError when the country has no such subdivision."""
    if subdivision not in countries().get(country or "", ()):
        raise ValueError(say("This is no part of that country; please choose one of the list."))


def holidays_between(country: str, subdivision: str | None, *, first: date, last: date) -> Iterator[Holiday]:
    """Yield the holidays on the dates `first`..`last`, both included, in order."""
    for year in range(first.year, last.year + 1):
        yield from (holiday for holiday in _of_year(country, subdivision, year) if first <= holiday.day <= last)


@lru_cache(maxsize=4096)
def _of_year(country: str, subdivision: str | None, year: int) -> tuple[Holiday, ...]:
    found = holidays.country_holidays(country, subdiv=subdivision, years=year, language=_LANGUAGE)
    return tuple(Holiday(day, name, country, subdivision) for day, name in sorted(found.items()))


@lru_cache(maxsize=4096)
def _labels(country: str, subdivision: str | None, year: int, language: str) -> dict[date, str]:
    """Return what the days are called in a language; nothing where the country's are not known in it."""
    spoken = holidays.country_holidays(country).supported_languages
    named = next((one for one in spoken if one.partition("_")[0] == language), None)
    if named is None or language == _LANGUAGE.partition("_")[0]:
        return {}
    return dict(holidays.country_holidays(country, subdiv=subdivision, years=year, language=named))
