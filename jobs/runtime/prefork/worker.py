"""How a child stands in RQ's books: a worker of RQ's own make, so that every tool of RQ sees it as one."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from datetime import timedelta

from redis import Redis, RedisError
from redis.client import Pipeline
from rq import Queue, SimpleWorker
from rq.exceptions import NoSuchJobError
from rq.executions import Execution
from rq.job import Job
from rq.registry import StartedJobRegistry
from rq.serializers import JSONSerializer
from rq.utils import now
from rq.worker_registration import register

from jobs.runtime.prefork.exchange import EXECUTION_SECONDS, Order
from webapp.core.logs import get_logger, without_secrets

HEARTBEAT_SECONDS = 3.0
# For how long a worker is shown as alive without a heartbeat.
WORKER_SECONDS = 20

# Redis is away, or does not know the job any more.
_NO_BOOKS = (RedisError, NoSuchJobError)

log = get_logger(__name__)


class PreforkWorker(SimpleWorker):
    """RQ's worker as far as its books go: birth, heartbeat, death, and what becomes of jobs that have no row.

    How jobs are taken and finished is the exchange's business, which also keeps the counts.
    """

    def __init__(self, names: Sequence[str], *, name: str, redis: Redis) -> None:
        queues = [Queue(queue, connection=redis, serializer=JSONSerializer) for queue in names]
        super().__init__(queues, name=name, connection=redis, serializer=JSONSerializer, worker_ttl=WORKER_SECONDS)

        self.birth_date = now()

    def _set_connection(self, connection: Redis) -> Redis:
        """Leave the connection's time limits alone."""
        return connection

    def _set_ip_address(self, connection: Redis) -> None:
        """Learn the own address, unless Redis is away just now."""
        try:
            super()._set_ip_address(connection)
        except RedisError:
            self.ip_address = "unknown"

    def beat(self, *, state: str, order: Order | None) -> None:
        """Say that this worker is alive and, if so, at work on `order`; also to a Redis that has lost its memory."""
        self.last_heartbeat = now()
        with self.connection.pipeline(transaction=True) as pipeline:
            pipeline.hset(self.key, mapping={**self.serialize(), "state": state})
            pipeline.expire(self.key, WORKER_SECONDS)
            register(self, pipeline)
            if order is not None:
                execution = self._execution(order)
                registry = StartedJobRegistry(order.queue, self.connection, serializer=JSONSerializer)
                execution.heartbeat(registry, EXECUTION_SECONDS, pipeline)
            pipeline.execute()

    def leave(self) -> None:
        """Take leave; raises redis.RedisError."""
        self.register_death()  # type: ignore[no-untyped-call]  # RQ's own, not annotated

    def perform_foreign(self, order: Order) -> bool:
        """Run an RQ job that is none of ours as RQ would; False when it failed."""
        queue = Queue(order.queue, connection=self.connection, serializer=JSONSerializer)
        try:
            job = Job.fetch(order.id, connection=self.connection, serializer=JSONSerializer)
            return self.perform_job(job, queue, self._execution(order))
        except _NO_BOOKS as error:
            log.warning("an RQ job could not be run to its end", job_id=order.id, error=str(error))
            return False

    def record_failure(self, order: Order, error: BaseException) -> None:
        """Put a job among RQ's failed ones, for as long as the job itself says, without what looks like a secret."""
        queue = Queue(order.queue, connection=self.connection, serializer=JSONSerializer)
        trace = without_secrets("".join(traceback.format_exception(error)))
        try:
            job = Job.fetch(order.id, connection=self.connection, serializer=JSONSerializer)
            job.ended_at = now()
            self.handle_job_failure(job, queue, exc_string=trace, execution=self._execution(order))
        except _NO_BOOKS as missing:
            log.warning("a failed job could not be put among RQ's", job_id=order.id, error=str(missing))

    def increment_failed_job_count(self, pipeline: Pipeline | None = None) -> None:
        """Do nothing: the exchange counts."""

    def increment_successful_job_count(self, pipeline: Pipeline | None = None) -> None:
        """Do nothing: the exchange counts."""

    def increment_total_working_time(self, job_execution_time: timedelta, pipeline: Pipeline) -> None:
        """Do nothing: the exchange counts."""

    def _execution(self, order: Order) -> Execution:
        return Execution(order.execution, order.id, self.connection, worker_name=self.name)
