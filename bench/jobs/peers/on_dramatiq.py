"""Dramatiq on Redis with its default middleware; JSON is its default."""

from __future__ import annotations

import os

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from bench.jobs import body
from bench.jobs.peers.filling import filler, stamper

dramatiq.set_broker(RedisBroker(url=os.environ["BENCH_REDIS_URL"]))

_noop = dramatiq.actor(body.noop)
_stamp = dramatiq.actor(body.stamp)

FILL = {"dramatiq": filler(_noop.send)}
STAMP = {"dramatiq": stamper(_stamp.send)}
