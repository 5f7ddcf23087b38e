"""Whether Almanac is fit to serve: its database, its Redis, a worker and a scheduler, each asked for a second."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass
from threading import Lock, Thread

from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from webapp.operations import queries

LIMIT_SECONDS = 1.0
OK = "ok"


@dataclass(frozen=True)
class Health:
    """What each check found: "ok", or in plain words what is wrong."""

    checks: Mapping[str, str]

    @property
    def missing(self) -> list[str]:
        """The names of what is not there."""
        return [name for name, found in self.checks.items() if found != OK]


class NotFit(Exception):
    """Something that Almanac needs is not as it should be; the message says what."""


def check_health(*, engine: Engine, redis: Redis, limit: float = LIMIT_SECONDS) -> Health:
    """Return the state of the database, the jobs' Redis, the workers and the scheduler, after `limit` seconds at most.

    The checks run side by side. One that hangs is not started again until it has come back, so that asking often
    while a network swallows everything does not pile up threads.
    """
    running = {
        "database": _start("database", lambda: _check_database(engine)),
        "redis": _start("redis", lambda: _check_redis(redis)),
        "worker": _start("worker", lambda: _check_worker(redis)),
        "scheduler": _start("scheduler", lambda: _check_scheduler(redis)),
    }
    wait(running.values(), timeout=limit)
    return Health({name: _found(check, limit) for name, check in running.items()})


def _check_database(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))


def _check_redis(redis: Redis) -> None:
    redis.ping()


def _check_worker(redis: Redis) -> None:
    if not queries.live_workers(redis=redis):
        raise NotFit("no worker is alive: start one with `python -m jobs.worker`")


def _check_scheduler(redis: Redis) -> None:
    if queries.scheduler_leader(redis=redis) is None:
        raise NotFit("no scheduler is leading: start one with `python -m jobs.scheduler`")


def _found(check: Future[None], limit: float) -> str:
    if not check.done():
        return f"no answer within {limit:g} s"
    match check.exception():
        case None:
            return OK
        case NotFit() as unfit:
            return str(unfit)
        case SQLAlchemyError() | RedisError() | OSError():
            return "cannot be reached"  # the library's message names hosts and users, and anybody may ask
        case error:
            raise error


_running: dict[str, Future[None]] = {}
_lock = Lock()


def _start(name: str, check: Callable[[], None]) -> Future[None]:
    """Run `check` in a thread of its own, unless the one of that name still runs; return what will come of it."""
    with _lock:
        current = _running.get(name)
        if current is None or current.done():
            current = _running[name] = Future()
            Thread(target=_finish, args=(current, check), name=f"health {name}", daemon=True).start()
        return current


def _finish(future: Future[None], check: Callable[[], None]) -> None:
    try:
        check()
    except Exception as error:  # noqa: BLE001  # handed to whoever waits
        future.set_exception(error)
    else:
        future.set_result(None)


def _start_anew() -> None:
    """A forked child has none of its parent's threads, so none of these will ever be done."""
    global _lock  # noqa: PLW0603  # another thread may have held it at the fork
    _lock = Lock()
    _running.clear()


os.register_at_fork(after_in_child=_start_anew)
