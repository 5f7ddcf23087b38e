"""What a worker says to Redis about jobs: finished, handed back, taken; all in one script and one round trip."""

from __future__ import annotations

import json
import random
import secrets
import time
import zlib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, cast

from redis import Redis
from rq.utils import utcformat

from jobs.runtime.lua import read_script
from webapp.core import clock
from webapp.core.settings import LANES, QUEUE_WEIGHTS

# A queue with work that nobody has looked at for so many seconds comes first, whatever the weights say.
PATIENCE_SECONDS = 20.0
FAIRNESS_SECONDS = 1.0
# For how long an execution is believed to be alive without a sign of life; stated anew with each heartbeat.
EXECUTION_SECONDS = 10
# One round in so many looks at the lanes from the lowest up, so that a stream of urgent jobs leaves the others a share.
LOW_FIRST_ONE_IN = 20

_SCRIPT = read_script("exchange")


class Order(NamedTuple):
    """A job that this worker has taken: `queue` is RQ's name of it, `path` what it runs, `data` as RQ packs it."""

    id: str
    execution: str
    queue: str
    path: str
    data: bytes

    @property
    def reference(self) -> tuple[str, str, str]:
        """How the script knows it."""
        return self[:3]


class Exchange:
    """One worker's exchange with the queues `names` (RQ's names: `bookings`, `bookings:high`, …).

    All methods raise redis.RedisError when Redis is away; what came of the call is then unknown, and it may be
    repeated.
    """

    def __init__(self, redis: Redis, *, worker: str, names: Sequence[str]) -> None:
        self._script = redis.register_script(_SCRIPT)
        self._worker = worker
        self._draw = Draw(names)
        self._fair_at = 0.0

    def trade(
        self,
        *,
        finished: Iterable[Order] = (),
        returned: Iterable[Order] = (),
        want: int = 0,
        recover: bool = False,
        seconds: float = 0.0,
        failed: int = 0,
    ) -> list[Order]:
        """Let go of what is `finished`, put what is `returned` back at the head of its queues, take up to `want` jobs.

        `recover` hands back whatever else this worker holds by Redis's account, `seconds` of work and the number of
        `failed` among the finished go to the worker's record.
        """
        now = clock.now()
        fair = want > 0 and time.monotonic() >= self._fair_at
        if fair:
            self._fair_at = time.monotonic() + FAIRNESS_SECONDS
        order = {
            "worker": self._worker,
            "finished": [item.reference for item in finished],
            "returned": [item.reference for item in returned],
            "recover": recover,
            "want": want,
            "queues": self._draw.queues() if want else [],
            "fair": fair,
            "patience": PATIENCE_SECONDS,
            "execution": secrets.token_hex(14),
            "stamp": utcformat(now),
            "now": now.timestamp(),
            "ttl": EXECUTION_SECONDS,
            "seconds": round(seconds, 6),
            "failed": failed,
        }
        answer = cast("list[list[bytes]]", self._script(args=[json.dumps(order)]))
        return [
            Order(job.decode(), execution.decode(), queue.decode(), path.decode(), data)
            for job, execution, queue, path, data in answer
        ]


class Draw:
    """In which order to look at the queues: drawn anew each time by their weights, the urgent lanes of each first."""

    def __init__(self, names: Sequence[str]) -> None:
        self._lanes: dict[str, list[str]] = {}
        for name in sorted(names, key=_urgency):
            self._lanes.setdefault(name.partition(":")[0], []).append(name)

    def queues(self) -> list[str]:
        """Return the names in the order of this draw."""
        # The largest of random()**(1/weight) falls to each queue in proportion to its weight.
        drawn = sorted(self._lanes, key=lambda queue: -(random.random() ** (1 / QUEUE_WEIGHTS[queue])))  # noqa: S311  # spreads load, guards nothing
        step = -1 if random.random() * LOW_FIRST_ONE_IN < 1 else 1  # noqa: S311  # as above
        return [name for queue in drawn for name in self._lanes[queue][::step]]


def _urgency(name: str) -> int:
    return LANES.index(name.partition(":")[2] or "default")


def unpack(data: bytes) -> dict[str, Any]:
    """Return the keyword arguments out of an RQ job's data; raises ValueError when they are not as we pack them."""
    try:
        _function, _instance, _positional, arguments = json.loads(zlib.decompress(data))
    except zlib.error as error:
        raise ValueError(f"the job's data cannot be read: {error}") from None
    return cast("dict[str, Any]", arguments)
