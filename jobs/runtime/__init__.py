"""How jobs run: declare, enqueue, carry, claim, retry, schedule, recover. Knows `webapp.core` alone."""

from __future__ import annotations

from jobs.runtime.declare import InvalidArguments, Job, job
from jobs.runtime.enqueue import cancel, group
from jobs.runtime.periodic import Cron
from jobs.runtime.policies import Postponed, RetryLater, RetryPolicy, SoftTimeLimit
from jobs.runtime.scheduler import Every

__all__ = [
    "Cron",
    "Every",
    "InvalidArguments",
    "Job",
    "Postponed",
    "RetryLater",
    "RetryPolicy",
    "SoftTimeLimit",
    "cancel",
    "group",
    "job",
]
