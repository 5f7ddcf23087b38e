"""Circuit breakers: a provider that is down is left alone by all processes together, and asked again by one of them.

    with breaker("smtp", failures=(MailServerAway,)):
        transport.send(message)

Closed, everybody passes. After `THRESHOLD` failures in a row it opens: nobody passes for BREAKER_SECONDS, and each time
that the trial afterwards fails for twice as long, up to `LONGEST` times. Then one call is let through as the trial;
should it succeed, the breaker closes. The state is shared in the jobs' Redis; without it everybody passes, for this
spares a provider and its callers and guards nothing.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from redis import Redis, RedisError

from webapp.core import measures
from webapp.core.failures import Unavailable
from webapp.core.logs import get_logger
from webapp.core.redis import jobs_redis
from webapp.core.settings import settings

THRESHOLD = 3
LONGEST = 4
# For how long others wait for a trial of which nothing is heard, and for how long a lone failure is remembered.
TRIAL_SECONDS = 120
MEMORY_SECONDS = 600
_NAMES = "almanac:breakers"

# KEYS[1]: the breaker. ARGV: for how many milliseconds a trial is waited for, and after how many at most to look again.
# Returns the milliseconds to wait, or 0 to pass; 1 for the trial; and how many failures there have been.
_ENTER = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local state = redis.call('HMGET', KEYS[1], 'open_until', 'trial_until', 'failures')
local failures = tonumber(state[3] or 0)
if not state[1] then
    return {0, 0, failures}
end
local rest, trial = state[1] - now, (state[2] or 0) - now
if rest > 0 then
    return {rest, 0, failures}
end
if trial > 0 then
    return {math.min(trial, ARGV[2]), 0, failures}
end
redis.call('HSET', KEYS[1], 'trial_until', now + ARGV[1])
return {0, 1, failures}
"""

# KEYS: the breaker, the names of all. ARGV: its name, 1 after a trial, the threshold, the rest in milliseconds, how
# many times that is the longest, and the memory in seconds. Returns for how many milliseconds it is open now, 0 when
# it is not, -1 when it was before.
_FAIL = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
redis.call('SADD', KEYS[2], ARGV[1])
local failures = redis.call('HINCRBY', KEYS[1], 'failures', 1)
local is_open = redis.call('HEXISTS', KEYS[1], 'open_until') == 1
if is_open and ARGV[2] == '0' then
    return -1
end
local rest = 0
if is_open or failures >= tonumber(ARGV[3]) then
    local opened = redis.call('HINCRBY', KEYS[1], 'opened', 1)
    rest = ARGV[4] * math.min(2 ^ (opened - 1), ARGV[5])
    redis.call('HSET', KEYS[1], 'open_until', now + rest)
    redis.call('HDEL', KEYS[1], 'trial_until')
end
redis.call('EXPIRE', KEYS[1], math.ceil(rest / 1000) + ARGV[6])
return rest
"""

log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class BreakerState:
    """Where a breaker stands; `seconds` until it lets a trial through, 0 when it does now or is closed."""

    name: str
    is_open: bool
    failures: int
    seconds: float


@contextmanager
def breaker(name: str, *, failures: tuple[type[Exception], ...]) -> Iterator[None]:
    """Call a provider in the block, unless it is left alone just now: then raises Unavailable.

    An exception of `failures` says that the provider is down, any other Exception that it has answered. One that opens
    the breaker, or that a trial ends with, becomes Unavailable too: it is the provider's doing and not the caller's.
    """
    is_trial, is_troubled = _enter(name)
    try:
        yield
    except failures as error:
        seconds = _quietly(_fail, name, is_trial, otherwise=0.0)
        if seconds:
            raise _unavailable(name, seconds) from error
        raise
    except Exception:
        _quietly(_succeed, name, is_trial or is_troubled, otherwise=None)
        raise
    _quietly(_succeed, name, is_trial or is_troubled, otherwise=None)


def breaker_states(redis: Redis) -> list[BreakerState]:
    """Return the breakers that have ever seen a failure, by name; raises RedisError."""
    names: Any = redis.smembers(_NAMES)
    clock: Any = redis.time()
    now = clock[0] * 1000 + clock[1] / 1000
    return [_state(redis, name.decode(), now) for name in sorted(names)]


def close_breaker(name: str) -> None:
    """Let everybody pass again, because somebody knows better; raises RedisError."""
    jobs_redis().delete(_key(name))


def _enter(name: str) -> tuple[bool, bool]:
    """Return whether this call is the trial, and whether there was trouble; raises Unavailable."""
    try:
        patience = (int(TRIAL_SECONDS * 1000), int(settings().breaker_seconds * 1000))
        answer: Any = jobs_redis().register_script(_ENTER)(keys=[_key(name)], args=patience)
    except RedisError as error:
        log.warning("Redis is away: breakers let everything pass", breaker=name, error=str(error))
        return False, False
    wait, is_trial, failed = answer
    if wait:
        raise _unavailable(name, wait / 1000)
    return bool(is_trial), failed > 0


def _fail(name: str, is_trial: bool) -> float:
    """Count a failure; return for how many seconds the breaker is open by it."""
    rest = settings().breaker_seconds
    rule = (THRESHOLD, int(rest * 1000), LONGEST, MEMORY_SECONDS)
    answer: Any = jobs_redis().register_script(_FAIL)(keys=[_key(name), _NAMES], args=[name, int(is_trial), *rule])
    if answer > 0:
        measures.count("breaker_opened", breaker=name)
        log.error("a provider is down and left alone for a while", breaker=name, seconds=answer / 1000)
    return rest if answer < 0 else float(answer / 1000)


def _succeed(name: str, was_in_trouble: bool) -> None:
    if was_in_trouble and jobs_redis().delete(_key(name)):
        log.info("a provider answers again", breaker=name)


def _quietly(step: Any, name: str, how: bool, *, otherwise: Any) -> Any:
    try:
        return step(name, how)
    except RedisError as error:
        log.warning("Redis is away: a breaker has learned nothing", breaker=name, error=str(error))
        return otherwise


def _unavailable(name: str, seconds: float) -> Unavailable:
    """Return what to raise; those who were turned away come back over a while, not all at once."""
    spread = random.uniform(0.0, min(seconds, settings().breaker_seconds))  # noqa: S311  # spreads load, guards nothing
    return Unavailable(f"{name} is down and left alone for {seconds:.0f} s", retry_after=seconds + spread)


def _state(redis: Redis, name: str, now: float) -> BreakerState:
    found: Any = redis.hmget(_key(name), ["open_until", "failures"])
    open_until, failed = found
    return BreakerState(
        name=name,
        is_open=open_until is not None,
        failures=int(failed or 0),
        seconds=max(float(open_until or 0) - now, 0.0) / 1000,
    )


def _key(name: str) -> str:
    return f"almanac:breaker:{name}"
