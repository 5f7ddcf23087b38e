"""The recurrences that people choose without knowing RFC 5545, and the rules that say the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum

WEEKDAY_CODES = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")

_PARTS = {"FREQ", "INTERVAL", "BYDAY", "UNTIL"}


class Repeats(StrEnum):
    """How something comes again."""

    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"
    MONTHLY_WEEKDAY = "MONTHLY_WEEKDAY"
    YEARLY = "YEARLY"


@dataclass(frozen=True, kw_only=True, slots=True)
class SimpleRule:
    """Every day, every week on some `weekdays` (by their codes), and so on; or only every `interval`th time."""

    repeats: Repeats
    interval: int = 1
    weekdays: tuple[str, ...] = ()
    until: date | None = None

    def text(self, first: date) -> str:
        """Return the rule of RFC 5545 for what begins on a date."""
        parts = [f"FREQ={self.repeats.partition('_')[0]}"]
        if self.repeats is Repeats.WEEKLY:
            parts.append(f"BYDAY={','.join(self.weekdays or [WEEKDAY_CODES[first.weekday()]])}")
        if self.repeats is Repeats.MONTHLY_WEEKDAY:
            parts.append(f"BYDAY={which_weekday(first)}")
        if self.interval > 1:
            parts.append(f"INTERVAL={self.interval}")
        if self.until:
            parts.append(f"UNTIL={self.until:%Y%m%d}")
        return ";".join(parts)


def simple_rule(rule: str, *, first: date) -> SimpleRule | None:
    """Return what a normal rule of something that begins on a date says simply; None where it says more than that."""
    parts = dict(part.split("=", 1) for part in rule.split(";"))
    weekdays = tuple(parts["BYDAY"].split(",")) if "BYDAY" in parts else ()
    repeats = _repeats(parts["FREQ"], weekdays, first)
    if repeats is None or not parts.keys() <= _PARTS:
        return None
    return SimpleRule(
        repeats=repeats,
        interval=int(parts.get("INTERVAL", "1")),
        weekdays=(weekdays or (WEEKDAY_CODES[first.weekday()],)) if repeats is Repeats.WEEKLY else (),
        until=datetime.strptime(parts["UNTIL"], "%Y%m%d").replace(tzinfo=UTC).date() if "UNTIL" in parts else None,
    )


def which_weekday(day: date) -> str:
    """Return which weekday of its month a date is, as rules write it: `2TU` for the second Tuesday."""
    return f"{(day.day - 1) // 7 + 1}{WEEKDAY_CODES[day.weekday()]}"


def _repeats(frequency: str, weekdays: tuple[str, ...], first: date) -> Repeats | None:
    if frequency == Repeats.WEEKLY:
        return Repeats.WEEKLY  # its weekdays are never counted, which `normal_rule` sees to
    if frequency == Repeats.MONTHLY and weekdays == (which_weekday(first),):
        return Repeats.MONTHLY_WEEKDAY
    return None if weekdays else Repeats(frequency)
