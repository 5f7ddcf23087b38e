"""Redis as the carrier: runs go out as ordinary RQ jobs, so every RQ tool and worker sees and understands them.

Nothing here is the truth. A push may be repeated (the claim of the row decides who runs it) and may be lost (the
reconciler pushes again).
"""

from __future__ import annotations

import json
import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from redis import Redis
from rq.job import Job as RqJob
from rq.job import JobStatus
from rq.queue import Queue as RqQueue
from rq.registry import FailedJobRegistry, StartedJobRegistry
from rq.results import Result as RqResult
from rq.utils import utcformat
from rq_scheduler import Scheduler as RqScheduler

from jobs.runtime.lua import read_script
from webapp.core import clock
from webapp.core.logs import get_logger
from webapp.core.settings import LANES, QUEUES

log = get_logger(__name__)

SCHEDULED_KEY = RqScheduler.scheduled_jobs_key
DEAD_LETTER = "dead_letter"
DEAD_LETTER_LIMIT = 10_000
DEAD_LETTER_SECONDS = 24 * 60 * 60
# So many failed jobs without a row are kept of each lane, for as long as dead letters.
FAILED_LIMIT = 1000
# Which Redis server has been given every waiting run. Gone after a flush, a lost disk or on a fresh server; another's
# after a restart or when a replica took over, either of which may lack the last writes.
MEMORY_KEY = "almanac:carried"
# Each push leaves a token per job at its queue's bell for idle workers to wake up by; that some get lost does no harm.
BELLS = "almanac:bell:"
BELL_LENGTH = 64
# For how long a run under way is told that it is to stop; its row says so too.
REVOKED_SECONDS = 60 * 60
PROGRESS_SECONDS = 60
CHUNK = 500

# So many dead letters, and so many places of each queue, are looked at in one go.
TRIM_AT_MOST = 1000
SWEEP_PAGE = 10_000
FIND_PAGE = 10_000

_PUSH = read_script("push")
_WITHDRAW = read_script("withdraw")
_EXHUME = read_script("exhume")
_TRIM_DEAD = read_script("trim_dead")
_TRIM_FAILED = read_script("trim_failed")
_SWEEP = read_script("sweep")
_FIND = read_script("find")


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


def lanes() -> dict[str, str]:
    """Return of each RQ queue which of our queues it is a lane of."""
    return {queue_name(queue, lane): queue for queue in QUEUES for lane in LANES}


def run_id_of(name: str) -> UUID | None:
    """Return the id of the run that RQ may know by this name; None when no run of ours can have it."""
    try:
        return UUID(name)
    except ValueError:
        return None


def queue_names() -> list[str]:
    """Return all RQ queues, urgent lanes first: the order in which a stock worker should look at them."""
    return [queue_name(queue, lane) for lane in LANES for queue in QUEUES]


def queue_names_of(name: str) -> list[str]:
    """Return the RQ queues that `name` stands for: one lane (`email:high`) or all of a queue's (`email`); or none."""
    return [queue_name(queue, lane) for lane in LANES for queue in QUEUES if name in {queue, f"{queue}:{lane}"}]


def server_id(redis: Redis) -> str:
    """Return what tells the server from any other, and from itself before its last start; raises redis.RedisError."""
    about: Any = redis.info("server")
    return str(about.get("run_id", "unknown"))


def has_everything(redis: Redis, *, server: str) -> bool:
    """True when this very server was given every waiting run, and remembers."""
    given: Any = redis.get(MEMORY_KEY)
    return bool(given == server.encode())


def carry(redis: Redis, runs: Sequence[Carried]) -> int:
    """Push what is due and hand the rest to the scheduler's set; return how many were not there already.

    Raises redis.RedisError when Redis is away.
    """
    now = clock.now()
    pushed = push(redis, [run for run in runs if run.run_at <= now])
    return pushed + carry_later(redis, [run for run in runs if run.run_at > now])


def carry_later(redis: Redis, runs: Sequence[Carried]) -> int:
    """Hand `runs` to the scheduler's set, each for its time, wherever it was before; return how many were not in it."""
    later = {str(run.id): run.run_at.timestamp() for run in runs}
    return cast("int", redis.zadd(SCHEDULED_KEY, cast("dict[Any, float]", later))) if later else 0


def push(redis: Redis, runs: Sequence[Carried], *, force: bool = False) -> int:
    """Put `runs` on their queues in one atomic step for each 500; return how many went out.

    A job that is queued already stays where it is, unless `force` says that its place in the list is lost.
    """
    script = redis.register_script(_PUSH)
    shared = _shared_fields(JobStatus.QUEUED)
    pushed = 0
    for start in range(0, len(runs), CHUNK):
        keys: list[str] = [RqQueue.redis_queues_keys]
        arguments: list[Any] = [SCHEDULED_KEY, int(force), BELLS, BELL_LENGTH, len(shared), *shared]
        for run in runs[start : start + CHUNK]:
            keys += [_job_key(run.id), _queue_key(run.queue_name)]
            arguments += [str(run.id), _data(run), run.queue_name, run.path, run.time_limit]
        pushed += int(script(keys=keys, args=arguments))
    return pushed


def withdraw(redis: Redis, run_ids: Iterable[UUID]) -> list[str]:
    """Have Redis forget runs that nobody has begun; return what state RQ had each in, empty where it knew of none.

    The id stays in the list of its queue until it is swept: to look for it there takes as long as the queue is, and
    workers pass over those that they can read nothing about.
    """
    script = redis.register_script(_WITHDRAW)
    with redis.pipeline(transaction=False) as pipeline:
        for run_id in run_ids:
            script(keys=[_job_key(run_id), SCHEDULED_KEY], args=[str(run_id)], client=pipeline)
        states: list[bytes] = pipeline.execute()
    return [state.decode() for state in states]


def show_progress(redis: Redis, run_id: UUID | str, progress: dict[str, Any]) -> None:
    """Let others see how far a run is, for a minute."""
    redis.set(_progress_key(run_id), json.dumps(progress), ex=PROGRESS_SECONDS)


def shown_progress(redis: Redis, run_ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    """Return what `show_progress` was given last for those of `run_ids` that have shown any."""
    shown = cast("list[bytes | None]", redis.mget([_progress_key(run_id) for run_id in run_ids])) if run_ids else []
    return {run_id: json.loads(text) for run_id, text in zip(run_ids, shown, strict=True) if text}


def tell_revoked(redis: Redis, run_ids: Iterable[UUID]) -> None:
    """Have runs that are under way told that they are to stop."""
    with redis.pipeline(transaction=False) as pipeline:
        for run_id in run_ids:
            pipeline.set(_revoked_key(run_id), "1", ex=REVOKED_SECONDS)
        pipeline.execute()


def ask_revoked(redis: Redis, run_ids: Iterable[UUID | str]) -> Any:
    """Ask for each of `run_ids` whether it is to stop: something if so, None if not."""
    return redis.mget([_revoked_key(run_id) for run_id in run_ids])


def lost_ids(redis: Redis, places: Mapping[UUID, str]) -> set[UUID]:
    """Return those runs that stand in no queue and that no live worker holds; `places` says each one's RQ queue.

    Redis looks through the lists itself, 10,000 places in one go: at the head, where what is due the longest stands,
    and for what is not there from the end. What is taken and ended meanwhile looks lost, too; the rows know better.
    """
    by_queue: defaultdict[str, set[str]] = defaultdict(set)
    for run_id, name in places.items():
        by_queue[name].add(str(run_id))
    lost = {run_id for name, wanted in by_queue.items() for run_id in _not_in(redis, name, wanted)}
    with redis.pipeline(transaction=False) as pipeline:
        for name in queue_names():
            pipeline.zrange(_started_key(name), str(clock.now().timestamp()), "+inf", byscore=True)
        started: list[list[bytes]] = pipeline.execute()
    lost -= {member.decode().rpartition(":")[0] for members in started for member in members}
    return {UUID(run_id) for run_id in lost}


def _not_in(redis: Redis, name: str, run_ids: Iterable[str]) -> set[str]:
    script, wanted = redis.register_script(_FIND), set(run_ids)

    def look(place: int | str) -> int:
        """Look at the places from this one on; return the next one to look from, 0 when all have been seen."""
        following, *found = cast("list[Any]", script(keys=[_queue_key(name)], args=[place, FIND_PAGE, *wanted]))
        wanted.difference_update(run_id.decode() for run_id in found)
        return int(following)

    place = look("head")
    while wanted and place >= 0:
        place = look(place) or -1
    return wanted


def due_ids(redis: Redis, *, until: datetime, limit: int) -> list[UUID]:
    """Return up to `limit` ids from the scheduler's set that are due, the longest waiting first.

    What others have put there under names that no run can have is taken out on the way.
    """
    members = cast(
        "list[bytes]", redis.zrange(SCHEDULED_KEY, "-inf", str(until.timestamp()), byscore=True, offset=0, num=limit)
    )
    ids = {member: run_id_of(member.decode(errors="replace")) for member in members}
    if foreign := [member for member, run_id in ids.items() if run_id is None]:
        redis.zrem(SCHEDULED_KEY, *foreign)
        log.warning("these are no jobs of ours, so they were taken out of the schedule", ids=foreign)
    return [run_id for run_id in ids.values() if run_id]


def bury(redis: Redis, run: Carried, *, seconds: int = DEAD_LETTER_SECONDS) -> None:
    """Show a dead run on the `dead_letter` queue, where nobody works, for so long and among 10,000 at most."""
    fields = rq_fields(run, status=JobStatus.FAILED, queue=DEAD_LETTER)
    job_key, list_key = _job_key(run.id), _queue_key(DEAD_LETTER)
    with redis.pipeline(transaction=True) as pipeline:
        pipeline.delete(job_key)
        pipeline.hset(job_key, items=fields)
        pipeline.expire(job_key, seconds)
        pipeline.sadd(RqQueue.redis_queues_keys, list_key)
        pipeline.lrem(list_key, 0, str(run.id))
        pipeline.rpush(list_key, str(run.id))
        pipeline.eval(_TRIM_DEAD, 1, list_key, RqJob.redis_job_namespace_prefix, DEAD_LETTER_LIMIT, TRIM_AT_MOST)
        pipeline.execute()


def exhume(redis: Redis, run_ids: Iterable[UUID]) -> None:
    """Take runs from the `dead_letter` queue; what was pushed anew since stays."""
    script = redis.register_script(_EXHUME)
    with redis.pipeline(transaction=False) as pipeline:
        for run_id in run_ids:
            script(keys=[_queue_key(DEAD_LETTER), _job_key(run_id)], args=[str(run_id)], client=pipeline)
        pipeline.execute()


def trim_dead_letters(redis: Redis) -> None:
    """Take from the `dead_letter` queue what is older than 24 hours, or more than 10,000."""
    redis.eval(  # Redis's EVAL, not Python's
        _TRIM_DEAD, 1, _queue_key(DEAD_LETTER), RqJob.redis_job_namespace_prefix, DEAD_LETTER_LIMIT, TRIM_AT_MOST
    )


def trim_failed(redis: Redis) -> None:
    """Forget the failed jobs without a row that are older than 24 hours, or more than 1,000 of a lane."""
    script = redis.register_script(_TRIM_FAILED)
    hashes, results = RqJob.redis_job_namespace_prefix, str(RqResult.get_key(""))  # type: ignore[no-untyped-call]  # RQ's own
    arguments: list[Any] = [hashes, results, clock.now().timestamp(), FAILED_LIMIT, TRIM_AT_MOST]
    for name in queue_names():
        while script(keys=[FailedJobRegistry.key_template.format(name)], args=arguments) == TRIM_AT_MOST:
            continue


def sweep(redis: Redis, *, begin: Mapping[str, int]) -> dict[str, int]:
    """Take the ids of jobs that are gone from the next part of each queue's list; return where to `begin` after it."""
    script = redis.register_script(_SWEEP)
    names = queue_names()
    with redis.pipeline(transaction=False) as pipeline:
        for name in names:
            arguments: list[Any] = [RqJob.redis_job_namespace_prefix, begin.get(name, 0), SWEEP_PAGE]
            script(keys=[_queue_key(name)], args=arguments, client=pipeline)
        places: list[int] = pipeline.execute()
    return dict(zip(names, places, strict=True))


def _job_key(run_id: UUID) -> str:
    return f"{RqJob.redis_job_namespace_prefix}{run_id}"


def _progress_key(run_id: UUID | str) -> str:
    return f"almanac:progress:{run_id}"


def _revoked_key(run_id: UUID | str) -> str:
    return f"almanac:revoked:{run_id}"


def _queue_key(name: str) -> str:
    return f"{RqQueue.redis_queue_namespace_prefix}{name}"


def _started_key(name: str) -> str:
    return StartedJobRegistry.key_template.format(name)


def rq_fields(run: Carried, *, status: JobStatus = JobStatus.QUEUED, queue: str | None = None) -> list[Any]:
    """Return the RQ job's hash as RQ itself would write it, flat; its description never shows arguments.

    RQ's own way, by an object of its Job, costs several times as much; a test holds the two against each other.
    """
    own = ("data", _data(run), "origin", queue or run.queue_name, "description", run.path, "timeout", run.time_limit)
    return [*_shared_fields(status), *own]


def _shared_fields(status: JobStatus) -> list[Any]:
    """Return the part of the hash that is the same for all jobs that go out together."""
    now = utcformat(clock.now())
    return [
        *_UNUSED_FIELDS,
        *("created_at", now, "enqueued_at", now, "status", status.value),
        *("result_ttl", 0, "failure_ttl", DEAD_LETTER_SECONDS),
    ]


def _data(run: Carried) -> bytes:
    return zlib.compress(json.dumps([run.path, None, [], run.arguments]).encode(), 1)


# Fields that RQ writes empty.
_UNUSED_FIELDS = [
    part
    for name in (
        "success_callback_name",
        "failure_callback_name",
        "stopped_callback_name",
        "started_at",
        "ended_at",
        "last_heartbeat",
        "worker_name",
        "group_id",
    )
    for part in (name, "")
]
