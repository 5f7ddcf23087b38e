"""Redis as the carrier: runs go out as ordinary RQ jobs, so every RQ tool and worker sees and understands them.

Nothing here is the truth. A push may be repeated (the claim of the row decides who runs it) and may be lost (the
reconciler pushes again).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from redis import Redis
from rq.job import Job as RqJob
from rq.job import JobStatus
from rq.queue import Queue as RqQueue
from rq.serializers import JSONSerializer
from rq_scheduler import Scheduler as RqScheduler

from webapp.core import clock
from webapp.core.settings import LANES, QUEUES

SCHEDULED_KEY = RqScheduler.scheduled_jobs_key
DEAD_LETTER = "dead_letter"
DEAD_LETTER_LIMIT = 10_000
DEAD_LETTER_SECONDS = 24 * 60 * 60
# Present as long as Redis remembers what it was given; gone after a flush, a lost disk or a fresh server.
MEMORY_KEY = "almanac:carried"
CHUNK = 500

# KEYS: the set of queues, then for each job its hash and its list. ARGV: the scheduled set's key, 1 to push even what
# seems to be queued, then for each job id, queue key, number of hash arguments and those. Returns how many went out.
_PUSH = """
local pushed = 0
local argument = 3
for key = 2, #KEYS, 2 do
    local id, count = ARGV[argument], tonumber(ARGV[argument + 1])
    local queued = redis.call('HGET', KEYS[key], 'status') == 'queued'
    redis.call('ZREM', ARGV[1], id)
    if ARGV[2] == '1' or not queued then
        redis.call('DEL', KEYS[key])
        redis.call('HSET', KEYS[key], unpack(ARGV, argument + 2, argument + 1 + count))
        redis.call('SADD', KEYS[1], KEYS[key + 1])
        redis.call('RPUSH', KEYS[key + 1], id)
        pushed = pushed + 1
    end
    argument = argument + 2 + count
end
return pushed
"""


@dataclass(frozen=True)
class Carried:
    """What Redis needs to know of a run; `path` is the dotted name of the function, `time_limit` in seconds."""

    id: UUID
    path: str
    queue: str
    lane: str
    arguments: dict[str, Any]
    run_at: datetime
    time_limit: int

    @property
    def queue_name(self) -> str:
        """The RQ queue: the plain name for the default lane, `queue:lane` for the others."""
        return queue_name(self.queue, self.lane)


def queue_name(queue: str, lane: str) -> str:
    """Return the name of the RQ queue that carries `lane` of `queue`."""
    return queue if lane == "default" else f"{queue}:{lane}"


def queue_names() -> list[str]:
    """Return all RQ queues, urgent lanes first: the order in which a stock worker should look at them."""
    return [queue_name(queue, lane) for lane in LANES for queue in QUEUES]


def carry(redis: Redis, runs: Sequence[Carried]) -> None:
    """Push what is due and hand the rest to the scheduler's set; raises redis.RedisError when Redis is away."""
    now = clock.now()
    push(redis, [run for run in runs if run.run_at <= now])
    carry_later(redis, [run for run in runs if run.run_at > now])


def carry_later(redis: Redis, runs: Sequence[Carried]) -> None:
    """Hand `runs` to the scheduler's set, each for its time, wherever in the set it was before."""
    later = {str(run.id): run.run_at.timestamp() for run in runs}
    if later:
        redis.zadd(SCHEDULED_KEY, cast("dict[Any, float]", later))


def push(redis: Redis, runs: Sequence[Carried], *, force: bool = False) -> int:
    """Put `runs` on their queues in one atomic step for each 500; return how many went out.

    A job that is queued already stays where it is, unless `force` says that its place in the list is lost.
    """
    script = redis.register_script(_PUSH)
    pushed = 0
    for start in range(0, len(runs), CHUNK):
        keys: list[str] = [RqQueue.redis_queues_keys]
        arguments: list[Any] = [SCHEDULED_KEY, int(force)]
        for run in runs[start : start + CHUNK]:
            fields = _rq_fields(redis, run)
            keys += [_job_key(run.id), _queue_key(run.queue_name)]
            arguments += [str(run.id), len(fields), *fields]
        pushed += int(script(keys=keys, args=arguments))
    return pushed


def withdraw(redis: Redis, run_ids: Iterable[UUID]) -> None:
    """Take delayed runs out of the scheduler's set."""
    members = [str(run_id) for run_id in run_ids]
    if members:
        redis.zrem(SCHEDULED_KEY, *members)


def queued_ids(redis: Redis) -> set[str]:
    """Return the ids that stand in any of our queues' lists."""
    with redis.pipeline(transaction=False) as pipeline:
        for name in queue_names():
            pipeline.lrange(_queue_key(name), 0, -1)
        return {member.decode() for members in pipeline.execute() for member in members}


def due_ids(redis: Redis, *, until: datetime, limit: int) -> list[UUID]:
    """Return up to `limit` ids from the scheduler's set that are due, the longest waiting first."""
    members = cast(
        "list[bytes]", redis.zrange(SCHEDULED_KEY, "-inf", str(until.timestamp()), byscore=True, offset=0, num=limit)
    )
    return [UUID(member.decode()) for member in members]


def bury(redis: Redis, run: Carried) -> None:
    """Show a dead run on the `dead_letter` queue, where nobody works, for 24 hours and among 10,000 at most."""
    fields = _rq_fields(redis, run, status=JobStatus.FAILED, queue=DEAD_LETTER)
    job_key, list_key = _job_key(run.id), _queue_key(DEAD_LETTER)
    with redis.pipeline(transaction=True) as pipeline:
        pipeline.delete(job_key)
        pipeline.hset(job_key, items=fields)
        pipeline.expire(job_key, DEAD_LETTER_SECONDS)
        pipeline.sadd(RqQueue.redis_queues_keys, list_key)
        pipeline.lrem(list_key, 0, str(run.id))
        pipeline.rpush(list_key, str(run.id))
        pipeline.ltrim(list_key, -DEAD_LETTER_LIMIT, -1)
        pipeline.execute()


def _job_key(run_id: UUID) -> str:
    return f"{RqJob.redis_job_namespace_prefix}{run_id}"


def _queue_key(name: str) -> str:
    return f"{RqQueue.redis_queue_namespace_prefix}{name}"


def _rq_fields(
    redis: Redis, run: Carried, *, status: JobStatus = JobStatus.QUEUED, queue: str | None = None
) -> list[Any]:
    """Return the RQ job's hash as RQ itself would write it, flat; its description never shows arguments."""
    carried = RqJob.create(
        run.path,
        kwargs=run.arguments,
        id=str(run.id),
        connection=redis,
        origin=queue or run.queue_name,
        description=run.path,
        timeout=run.time_limit,
        result_ttl=0,
        failure_ttl=DEAD_LETTER_SECONDS,
        status=status,
        serializer=JSONSerializer,
    )
    carried.enqueued_at = clock.now()
    return [part for pair in carried.to_dict().items() for part in pair]
