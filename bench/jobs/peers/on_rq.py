"""Stock RQ, with JSON in place of its pickle and without results. As a program: one of its workers.

The program does what RQ's documentation advises: it imports the work before the first fork, so that no job has to.
"""

from __future__ import annotations

import os
from functools import partial

from redis import Redis
from rq import Queue, Worker
from rq.serializers import JSONSerializer

from bench.jobs import body
from bench.jobs.peers.filling import filler, stamper

_redis = Redis.from_url(os.environ["BENCH_REDIS_URL"])
_queue = Queue("bench", connection=_redis, serializer=JSONSerializer)

FILL = {"rq": filler(partial(_queue.enqueue, body.noop, result_ttl=0))}
STAMP = {"rq": stamper(partial(_queue.enqueue, body.stamp, result_ttl=0))}

if __name__ == "__main__":
    Worker([_queue], connection=_redis, serializer=JSONSerializer).work(logging_level="WARNING")
