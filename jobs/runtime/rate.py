"""Rate limits: a true sliding window over all workers, kept in Redis, counted again from the rows when Redis forgets.

A run that comes when its window is full is given a place: the moment at which it will fit, behind all that wait
already. It goes back to waiting until then, at no cost, and is looked at again when it really starts. While Redis is
away nothing limited starts.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import cast

from redis import Redis, RedisError
from sqlalchemy import func, select, union_all
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from jobs.runtime import registry
from jobs.runtime.current import Claim
from jobs.runtime.limits import Rate
from jobs.runtime.models import JobAttempt, JobRun, RunState
from webapp.core.db import session, transaction
from webapp.core.logs import get_logger
from webapp.core.redis import jobs_redis

AWAY_SECONDS = 1.0
# What is let go starts a moment later, not always the same: so the window is longer than the period by this part of it,
# and at least by so many seconds. Who took longer to hear the answer than half of that asks again.
GUARD_PART = 0.005
GUARD_SECONDS = 0.05
ASK_AT_MOST = 10
# A place that nobody has come to claim for so long is free again.
PATIENCE_SECONDS = 5
# A run comes for its place a little late rather than early, when it would have to be put off again.
LATE_SECONDS = 0.01
_MICROSECONDS = 1_000_000

# KEYS: the starts, the places. ARGV: run, attempt, limit, window and patience in microseconds; 1 when starts follow
# that the rows know of, and of each its name (run:attempt) and how long ago it was. Returns 0 to let the run start, -1
# when Redis knows nothing of this limit, otherwise the microseconds until its place. Who asks twice starts later.
_ADMIT = """
local starts, places = KEYS[1], KEYS[2]
local run, start = ARGV[1], ARGV[1] .. ':' .. ARGV[2]
local limit, window, patience = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
if redis.call('EXISTS', starts) == 0 then
    if ARGV[6] == '0' then
        return -1
    end
    redis.call('ZADD', starts, 0, 'known')
    for index = 7, #ARGV, 2 do
        redis.call('ZADD', starts, now - ARGV[index + 1], ARGV[index])
    end
end
redis.call('PEXPIRE', starts, math.ceil(window / 1000) * 2 + 60000)
redis.call('ZREM', starts, start)
redis.call('ZREMRANGEBYSCORE', starts, '(0', now - window)
redis.call('ZREMRANGEBYSCORE', places, '-inf', now - patience)
local started = redis.call('ZCARD', starts) - 1
local place = redis.call('ZSCORE', places, run)
local before = place and '(' .. place or '+inf'
local claimed = 0
if not place or tonumber(place) > now then
    claimed = redis.call('ZCOUNT', places, '-inf', now)
end
if started + claimed < limit then
    redis.call('ZREM', places, run)
    redis.call('ZADD', starts, now, start)
    return 0
end
redis.call('ZREM', places, run)
local ahead = redis.call('ZREVRANGEBYSCORE', places, before, '-inf', 'WITHSCORES', 'LIMIT', limit - 1, 1)
local earlier = ahead[2]
if not earlier then
    local rank = redis.call('ZCOUNT', places, '-inf', before) - limit
    earlier = redis.call('ZRANGE', starts, rank, rank, 'WITHSCORES')[2]
end
local free = math.max(tonumber(earlier or 0) + window, now + 1000)
redis.call('ZADD', places, free, run)
redis.call('PEXPIRE', places, math.ceil((free - now + patience) / 1000) + 60000)
return free - now
"""

log = get_logger(__name__)


def admit(claim: Claim) -> float | None:
    """Return None when the claimed run may start now, counted as one; else the seconds after which to try again.

    Opens a transaction of its own when Redis has lost its memory. May be repeated for the same claim.
    """
    rate = registry.limits_of(claim.name).rate
    if rate is None:
        return None
    key = claim.rate_key or claim.name
    try:
        wait = _ask_until_heard(claim, rate, key=key)
    except (RedisError, DBAPIError, PoolTimeout) as error:
        log.warning("a rate limit cannot be looked at: its jobs do not start", key=key, error=str(error))
        return AWAY_SECONDS
    return wait / _MICROSECONDS + LATE_SECONDS if wait else None


def _ask_until_heard(claim: Claim, rate: Rate, *, key: str) -> int:
    """Return what was answered last, and heard in time to be true; 0 to start."""
    recorded = None
    for _ in range(ASK_AT_MOST):
        asked_at = time.monotonic()
        wait = _ask(jobs_redis(), claim, rate, key=key, recorded=recorded)
        if wait < 0:
            recorded = _recorded_starts(claim, rate, key=key)
        elif wait > 0 or time.monotonic() - asked_at < _guard(rate) / 2:
            return wait
    return int(AWAY_SECONDS * _MICROSECONDS)


def _ask(redis: Redis, claim: Claim, rate: Rate, *, key: str, recorded: list[tuple[str, float]] | None) -> int:
    script = redis.register_script(_ADMIT)
    limits = (rate.count, _window(rate) * _MICROSECONDS, PATIENCE_SECONDS * _MICROSECONDS)
    starts = [part for start, age in recorded or () for part in (start, int(age * _MICROSECONDS))]
    answer = script(
        keys=[f"almanac:rate:{key}:starts", f"almanac:rate:{key}:places"],
        args=[str(claim.id), claim.attempt, *map(int, limits), int(recorded is not None), *starts],
    )
    return cast("int", answer)


def _recorded_starts(claim: Claim, rate: Rate, *, key: str) -> list[tuple[str, float]]:
    """Return the starts of the last period by the rows' account: each one's name, and how many seconds ago it was.

    Runs that others have just taken and are about to ask for count as well, under the name that they will ask by.
    """
    since = func.now() - timedelta(seconds=_window(rate))
    of_this_key = (JobRun.rate_key == key, JobRun.id != claim.id)
    latest = select(JobRun.id, JobRun.attempt, JobRun.started_at).where(
        *of_this_key, JobRun.state != RunState.WAITING, JobRun.started_at > since
    )
    failed = (
        select(JobAttempt.run_id, JobAttempt.attempt, JobAttempt.started_at)
        .join(JobRun, JobRun.id == JobAttempt.run_id)
        .where(*of_this_key, JobAttempt.started_at > since)
    )
    starts = union_all(latest, failed).subquery()
    age = func.extract("epoch", func.now() - starts.c.started_at)
    with transaction():
        rows = session().execute(select(starts.c.id, starts.c.attempt, age).order_by(age).limit(rate.count))
        return [(f"{run_id}:{attempt}", float(seconds)) for run_id, attempt, seconds in rows]


def _window(rate: Rate) -> float:
    return rate.seconds + _guard(rate)


def _guard(rate: Rate) -> float:
    return max(rate.seconds * GUARD_PART, GUARD_SECONDS)
