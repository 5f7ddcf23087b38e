"""When a run may be due: at times that every part can hold, for a row with another is one that nobody can read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from webapp.core import clock

# A constraint of the table says the same. Python's own years end sooner than PostgreSQL's, on either side.
EARLIEST, LATEST = (datetime(year, 1, 1, tzinfo=UTC) for year in (clock.YEARS.start, clock.YEARS.stop))
# Whoever says "not before" a time farther away than this, such as a provider, does not mean it.
LONGEST_DELAY_SECONDS = 10 * 365 * 24 * 60 * 60.0


class ImpossibleTime(ValueError):
    """A run was asked for at a time when none can be due; the message is a sentence that says why."""


def at(when: datetime) -> datetime:
    """Return `when`; raises ImpossibleTime unless it is aware and from 1971 to 2199."""
    if when.utcoffset() is None:
        raise ImpossibleTime(f"A job cannot be due at {when}: give the time with its zone.")
    if not EARLIEST <= when < LATEST:
        raise ImpossibleTime(f"A job can be due from {EARLIEST.year} to {LATEST.year - 1}, not at {when.isoformat()}.")
    return when


def after(delay: timedelta) -> datetime:
    """Return the time that is `delay` from now; raises ImpossibleTime as `at` does."""
    try:
        return at(clock.now() + delay)
    except OverflowError:
        raise ImpossibleTime(f"A job can be due until {LATEST.year - 1}, not in {delay.days} days.") from None


def in_seconds(delay: float) -> timedelta:
    """Return the delay before a run is tried again, none that is negative and none over ten years."""
    return timedelta(seconds=max(0.0, min(LONGEST_DELAY_SECONDS, delay)))  # in this order, which holds for NaN, too
