"""Jobs of Almanac that are to run later."""

from __future__ import annotations

from datetime import timedelta

from jobs.runtime import Job
from jobs.runtime.enqueue import submit_many
from webapp.core import clock
from webapp.core.db import transaction

# Long enough to have written them all.
DUE_IN_SECONDS = 10.0
# Between two of those that are due one by one.
APART_SECONDS = 0.02


def fill_at_once(declared: Job[[int], None], count: int) -> None:
    """Enqueue jobs that are all due at the same moment."""
    due_at = clock.now() + timedelta(seconds=DUE_IN_SECONDS)
    submit_many(declared, [{"number": number} for number in range(count)], run_at=due_at)


def fill_one_by_one(declared: Job[[int], None], count: int) -> None:
    """Enqueue jobs that are due one after the other."""
    first = clock.now() + timedelta(seconds=DUE_IN_SECONDS)
    with transaction():
        for number in range(count):
            declared.at(first + timedelta(seconds=number * APART_SECONDS), number)
