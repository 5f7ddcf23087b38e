"""A job that calls a provider, which answers as the test wants."""

from __future__ import annotations

from jobs.runtime import RetryPolicy, job
from webapp.core.breakers import breaker
from webapp.core.failures import TemporaryFailure
from webapp.core.redis import cache_redis

DOWN = "tests:provider_down"
CALLS = "tests:provider_calls"


class ProviderDown(TemporaryFailure):
    """It does not answer."""


def call_provider() -> None:
    cache_redis().incr(CALLS)
    if cache_redis().exists(DOWN):
        raise ProviderDown("nobody there")


@job(queue="notifications", retry=RetryPolicy("three more", (0, 0, 0)))
def call() -> None:
    with breaker("provider", failures=(ProviderDown,)):
        call_provider()
