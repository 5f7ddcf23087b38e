"""Huey on Redis, with JSON in place of its pickle and without results."""

from __future__ import annotations

import json
import os

from huey import RedisHuey
from huey.registry import Message
from huey.serializer import Serializer

from bench.jobs import body
from bench.jobs.peers.filling import filler, stamper


class JsonSerializer(Serializer):  # type: ignore[misc]  # huey has no type information
    """Messages as JSON arrays of their fields."""

    def _serialize(self, data: object) -> bytes:
        return json.dumps(data).encode()

    def _deserialize(self, data: bytes) -> object:
        return Message(*json.loads(data))


huey = RedisHuey("bench", url=os.environ["BENCH_REDIS_URL"], results=False, serializer=JsonSerializer())

_noop = huey.task()(body.noop)
_stamp = huey.task()(body.stamp)

FILL = {"huey": filler(_noop)}
STAMP = {"huey": stamper(_stamp)}
