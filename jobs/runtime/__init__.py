"""How jobs run: declare, enqueue, carry, claim, retry, schedule, recover. Knows `webapp.core` alone."""

from __future__ import annotations

from jobs.runtime.beside import progress
from jobs.runtime.canvas import chain, chord, group
from jobs.runtime.declare import InvalidArguments, Job, job
from jobs.runtime.due import ImpossibleTime
from jobs.runtime.enqueue import cancel, cancel_all
from jobs.runtime.periodic import Cron
from jobs.runtime.policies import HardTimeLimit, Postponed, RetryLater, RetryPolicy, Revoked, SoftTimeLimit
from jobs.runtime.revocation import Revocation, revoke, revoke_canvas
from jobs.runtime.schedules import Every
from jobs.runtime.secret import Secret
from jobs.runtime.signature import RESULT

__all__ = [
    "RESULT",
    "Cron",
    "Every",
    "HardTimeLimit",
    "ImpossibleTime",
    "InvalidArguments",
    "Job",
    "Postponed",
    "RetryLater",
    "RetryPolicy",
    "Revocation",
    "Revoked",
    "Secret",
    "SoftTimeLimit",
    "cancel",
    "cancel_all",
    "chain",
    "chord",
    "group",
    "job",
    "progress",
    "revoke",
    "revoke_canvas",
]
