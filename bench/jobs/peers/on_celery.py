"""Celery with its prefork pool: JSON is its default, results are nobody's business here."""

from __future__ import annotations

import os

from celery import Celery

from bench.jobs import body
from bench.jobs.peers.filling import filler, stamper

app = Celery("bench", broker=os.environ["BENCH_REDIS_URL"])
app.conf.update(
    task_ignore_result=True,
    worker_prefetch_multiplier=64,  # what its guide to optimising advises for many short tasks; 4 is the default
    broker_connection_retry_on_startup=True,
)

_noop = app.task(body.noop)
_stamp = app.task(body.stamp)

FILL = {"celery": filler(_noop.delay)}
STAMP = {"celery": stamper(_stamp.delay)}
