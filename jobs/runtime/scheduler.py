"""The scheduler: rq-scheduler's set of delayed jobs, moved by one leader in atomic batches; periodic ticks; repairs."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from threading import Event
from uuid import uuid4

from redis import Redis, RedisError
from rq_scheduler import Scheduler as RqScheduler
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from jobs.runtime import carrier, reconcile, registry, schedules, store
from jobs.runtime.deliver import carried
from jobs.runtime.ledger import CLOCK_TOLERANCE
from jobs.runtime.models import JobSchedule
from jobs.runtime.schedules import Every
from webapp.core import clock, measures
from webapp.core.db import db, transaction
from webapp.core.logs import get_logger
from webapp.core.settings import settings

LEADER_KEY = "almanac:scheduler:leader"
LEADER_MILLISECONDS = 6000
MOVE_BATCH = 1000

# KEYS[1]: the leader's key. ARGV: our token, the lease in milliseconds. Returns 1 when the lease is ours.
_LEAD = """
local holder = redis.call('GET', KEYS[1])
if holder == false or holder == ARGV[1] then
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
    return 1
end
return 0
"""

_RESIGN = """
if redis.call('GET', KEYS[1]) == ARGV[1] then
    return redis.call('DEL', KEYS[1])
end
return 0
"""

log = get_logger(__name__)


class Scheduler(RqScheduler):  # type: ignore[misc]  # rq-scheduler is not typed
    """rq-scheduler with its known losses closed.

    Any number may run. One leads, by a lease that it owns and renews; should two lead for a moment, delayed jobs are
    still moved once (the atomic script decides) and ticks still become one run (a unique row decides).
    """

    def __init__(self, *, connection: Redis, entries: Sequence[Every]) -> None:
        super().__init__(connection=connection, interval=settings().scheduler_seconds, name=_instance_name())
        self._entries = entries
        self._token = f"{self.name}:{uuid4().hex}"
        self._stop = Event()
        self._leads = False
        self._is_seeded = False
        self._complaints: set[str] = set()
        self._reconciler = reconcile.Reconciler(connection, keep_going=self._keep_leading)
        self._reconcile_at = 0.0

    def acquire_lock(self) -> bool:
        """Take or renew the leader's lease; True while it is ours."""
        leads = bool(
            self.connection.eval(_LEAD, 1, LEADER_KEY, self._token, LEADER_MILLISECONDS)  # Redis's EVAL, not Python's
        )
        if leads and not self._leads:
            log.info("this scheduler leads", scheduler=self.name)
        self._leads = leads
        return leads

    def remove_lock(self) -> None:
        """Give up the leader's lease, if it is ours."""
        self._leads = False
        try:
            self.connection.eval(_RESIGN, 1, LEADER_KEY, self._token)
        except RedisError:
            log.warning("Redis is away: the lease will run out by itself")

    def run(self, burst: bool = False) -> None:
        """Work until a signal says stop; with `burst` for one round, if this scheduler may lead."""
        self._install_signal_handlers()
        while not self._stop.is_set():
            began = time.monotonic()
            self._round()
            if burst:
                break
            self._stop.wait(max(self._interval - (time.monotonic() - began), 0.01))
        self.remove_lock()
        log.info("scheduler stopped", scheduler=self.name)

    def stop(self) -> None:
        """End after the current round."""
        self._stop.set()

    def enqueue_jobs(self) -> int:
        """Move every due job to its queue, the longest waiting first; return how many were moved.

        The rows say what they are: a job that was cancelled or moved in the meantime just leaves the set.
        """
        moved = 0
        while ids := carrier.due_ids(self.connection, until=clock.now(), limit=MOVE_BATCH):
            with transaction():
                rows = store.waiting(ids)
            now = clock.now() + CLOCK_TOLERANCE
            due = [carried(row) for row in rows if row.run_at <= now]
            carrier.carry_later(self.connection, [carried(row) for row in rows if row.run_at > now])
            moved += carrier.push(self.connection, due)
            carrier.withdraw(self.connection, set(ids) - {row.id for row in rows})
            if len(ids) < MOVE_BATCH or not self._keep_leading():
                break
        return moved

    def tick(self) -> int:
        """Turn each due tick of the periodic table into a run; return how many there were.

        Ticks missed while no scheduler ran become one run, that of the latest.
        """
        self._seed()
        with transaction():
            rows = schedules.running_schedules()
        now = clock.now()
        return sum(self._tick_row(row, now) for row in rows)

    def _round(self) -> None:
        """Do what is due, as leader; what fails is tried again in the next round."""
        self._step(self.acquire_lock)
        self._step(self._seed)
        if not self._leads:
            return
        self._step(self.enqueue_jobs)
        self._step(self.tick)
        if time.monotonic() >= self._reconcile_at:
            self._reconcile_at = time.monotonic() + settings().reconcile_seconds
            self._step(self._reconciler.run)

    def _keep_leading(self) -> bool:
        """In the middle of a long step, renew the lease and do what cannot wait; False when another leads by now."""
        leads = self.acquire_lock()
        if leads:
            self.tick()
        return leads

    def _step(self, step: Callable[[], object]) -> None:
        try:
            step()
        except RedisError as error:
            self._leads = False
            log.warning("Redis is away", error=str(error))
        except (DBAPIError, PoolTimeout) as error:
            log.warning("the database is away", error=str(error.__cause__ or error).strip())
        finally:
            db.session.remove()

    def _seed(self) -> None:
        """Bring the rows up to date with this release's table, once."""
        if not self._is_seeded:
            with transaction():
                schedules.seed(self._entries)
            self._is_seeded = True

    def _tick_row(self, row: JobSchedule, now: datetime) -> int:
        """Make a run of the entry when it is due; one that cannot be read or run keeps no other from running."""
        try:
            due_at = schedules.due_tick(row, now)
            if due_at is None:
                return 0
            with transaction():
                ticked = schedules.tick(row, due_at)
        except (ValueError, registry.UnknownJob) as error:  # another release's entry: its own scheduler will lead soon
            self._complain(row, error)
            return 0
        if ticked:
            measures.count("scheduler_ticks", job=row.job, queue=registry.find_job(row.job).options.queue)
        return int(ticked)

    def _complain(self, row: JobSchedule, error: Exception) -> None:
        if row.name not in self._complaints:
            self._complaints.add(row.name)
            log.error("a periodic job cannot be scheduled", schedule=row.name, problem=str(error))

    def _install_signal_handlers(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda _signal, _frame: self.stop())


def _instance_name() -> str:
    return f"{socket.gethostname()}:{uuid4().hex[:8]}"
