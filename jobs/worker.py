"""The worker process: `python -m jobs.worker [--queues …]`, RQ's own worker on our queues, urgent lanes first."""

from __future__ import annotations

import argparse

from rq import Queue, Worker
from rq.serializers import JSONSerializer

from jobs.runtime import registry
from jobs.runtime.carrier import queue_names
from jobs.runtime.execute import application
from webapp.core.redis import connect
from webapp.core.settings import settings


def main(arguments: list[str] | None = None) -> None:
    """Work until a signal stops it; exits 2 when asked for a queue that does not exist."""
    parser = argparse.ArgumentParser(prog="python -m jobs.worker", description=__doc__)
    parser.add_argument("--queues", help=f"queues to work on, separated by commas (all: {','.join(queue_names())})")
    parser.add_argument("--burst", action="store_true", help="end when the queues are empty")
    chosen = parser.parse_args(arguments)
    names = chosen.queues.split(",") if chosen.queues else queue_names()
    for unknown in sorted(set(names) - set(queue_names())):
        parser.error(f"there is no queue {unknown!r}; choose from {', '.join(queue_names())}")
    application()
    registry.load_jobs()
    redis = connect(settings().redis_url, timeout=None)
    queues = [Queue(name, connection=redis, serializer=JSONSerializer) for name in names]
    worker = Worker(queues, connection=redis, serializer=JSONSerializer, log_job_description=False)
    worker.work(burst=chosen.burst, logging_level=settings().log_level.upper())


if __name__ == "__main__":
    main()
