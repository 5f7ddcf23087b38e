"""How a failed job is tried again: the named policies, and what a job raises to say more than "it failed"."""

from __future__ import annotations

import random
from dataclasses import dataclass

from webapp.core.failures import TemporaryFailure

JITTER = 0.1
DAY = 24 * 60 * 60


class RetryLater(Exception):
    """Try again in `seconds`, whatever the policy says; costs an attempt."""

    def __init__(self, seconds: float, reason: str = "asked to be retried later") -> None:
        super().__init__(reason)
        self.seconds = seconds


class Postponed(Exception):
    """Not now, and not this job's fault (a provider is down, a limit is reached): again in `seconds`, at no cost."""

    def __init__(self, seconds: float, reason: str = "postponed") -> None:
        super().__init__(reason)
        self.seconds = seconds


class SoftTimeLimit(BaseException):
    """The job has used up its soft time limit. Not an Exception, so that `except Exception` cannot swallow it."""


class HardTimeLimit(Exception):
    """The job was killed at its hard time limit; raised by nobody, it stands in the record of the attempt."""


class Revoked(BaseException):
    """Somebody does not want the job any more. Not an Exception, so that `except Exception` cannot swallow it."""


class LeaseLost(BaseException):
    """The run belongs to somebody else by now; nothing of it may be written any more."""


@dataclass(frozen=True)
class RetryPolicy:
    """The delays, in seconds, before each further try; after the last one the job is dead.

    It is dead at once after an error of a class in `give_up_on`, and, where `retry_on` names any, after one that is
    neither of those nor a TemporaryFailure. RetryLater is tried again whatever they say. Raises ValueError when they
    are no classes of errors.
    """

    name: str
    delays: tuple[float, ...]
    retry_on: tuple[type[BaseException], ...] = ()
    give_up_on: tuple[type[BaseException], ...] = ()

    def __post_init__(self) -> None:
        for kind in (*self.retry_on, *self.give_up_on):
            if not (isinstance(kind, type) and issubclass(kind, BaseException)):
                raise ValueError(f"retry_on and give_up_on name classes of errors, which {kind!r} is not")  # noqa: TRY004  # as all that is declared wrongly

    def gives_up_on(self, error: BaseException) -> bool:
        """True when the job is not to be tried again after this error, however many tries it has left."""
        if isinstance(error, RetryLater):
            return False
        if isinstance(error, self.give_up_on):
            return True
        return bool(self.retry_on) and not isinstance(error, (*self.retry_on, TemporaryFailure))

    def delay_after(self, failures: int) -> float | None:
        """Return the seconds to wait after the `failures`-th failure, jitter included; None when it was the last."""
        if failures > len(self.delays):
            return None
        delay = self.delays[failures - 1]
        return delay * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  # spreads load, guards nothing


def _doubling(*first: float, total: float) -> tuple[float, ...]:
    delays = list(first)
    while sum(delays) + 2 * delays[-1] <= total:
        delays.append(2 * delays[-1])
    return tuple(delays)


POLICIES = {
    policy.name: policy
    for policy in (
        RetryPolicy("default", (60, 120, 240)),
        RetryPolicy("calendar", (60, 300, 900)),
        RetryPolicy("notification", (30, 60, 300)),
        RetryPolicy("webhook", _doubling(0, 30, 60, total=DAY)),
        RetryPolicy("never", ()),
    )
}
