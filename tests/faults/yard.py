"""Where the fault matrix happens: a fleet whose ways to Redis lead through proxies, with gates to stop work at."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from itertools import count
from pathlib import Path
from typing import Any, Protocol, Self

import psycopg
from redis import Redis

from devserver.servers import HOST, free_port
from tests.faults import errands
from tests.faults.fleet import Fleet
from tests.faults.harness import START_SECONDS, Program
from tests.peers.cutting_proxy import Catch, CuttingProxy

APP = "tests.faults.errands_app:app"
HARD_MEMORY_MB = 200
ANSWER_SECONDS = 20.0

_WAITING = """
SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock' AND NOT granted
"""
_TURN_AWAY = f"SELECT pg_terminate_backend(pid) FROM ({_WAITING}) AS waiting"
_KEY = "hashtextextended(%(place)s || ' ' || %(mark)s, 0)"

_numbers = count(1)


class Stop(Protocol):
    """Where work is stopped, until `open`."""

    def is_reached(self) -> bool:
        """True once somebody waits there."""

    def open(self) -> None:
        """Let pass who waits, and who comes later."""


class Gate:
    """Stops whatever is about to commit a change of the run `mark`: `place` says of what kind, as the triggers do.

    The end of the database's session, for whatever reason, opens it.
    """

    def __init__(self, yard: Yard, place: str, mark: str) -> None:
        self._yard = yard
        self._connection = psycopg.connect(yard.postgres.url, autocommit=True)
        self._connection.execute(f"SELECT pg_advisory_lock({_KEY})".encode(), {"place": place, "mark": mark})

    def is_reached(self) -> bool:
        return bool(self._yard.rows(_WAITING))

    def turn_away(self) -> None:
        """End the sessions that wait, so that what they were about to commit never was."""
        self._yard.rows(_TURN_AWAY)

    def open(self) -> None:
        with suppress(psycopg.Error):
            self._connection.close()


class Wait:
    """Stops the work itself, at a place that it has for this."""

    def __init__(self, yard: Yard, place: str, mark: str) -> None:
        self._reached = yard.way(f"reached at {place}", mark)
        self._open = yard.way(f"open at {place}", mark)
        yard.way(f"closed at {place}", mark).touch()

    def is_reached(self) -> bool:
        return self._reached.exists()

    def open(self) -> None:
        self._open.touch()


class Held:
    """Stops a request on its way to Redis."""

    def __init__(self, catch: Catch) -> None:
        self._catch = catch

    def is_reached(self) -> bool:
        return self._catch.caught.is_set()

    def open(self) -> None:
        self._catch.released.set()


class Yard(Fleet):
    """One web server that enqueues, two hosts with a process each, and a scheduler."""

    def __init__(self, folder: Path) -> None:
        settings = {
            errands.FOLDER: str(folder / "errands"),
            "WORKER_MAX_MEMORY_MB": str(HARD_MEMORY_MB - 1),
            "WORKER_HARD_MEMORY_MB": str(HARD_MEMORY_MB),
            "WEB_CONCURRENCY": "1",
        }
        super().__init__(folder, app=APP, tables=errands.TABLES, **settings)
        self.port = free_port()
        self.to_web, self.to_hosts, self.to_schedulers = (CuttingProxy(lambda: self.jobs_redis.port) for _ in range(3))

    def __enter__(self) -> Self:
        (self.folder / "errands").mkdir()
        with ExitStack() as stack:
            for proxy in self.proxies:
                stack.enter_context(proxy)
            super().__enter__()
            stack.callback(self._stack.close)
            self._man()
            self._stack = stack.pop_all()
        return self

    @property
    def proxies(self) -> tuple[CuttingProxy, ...]:
        return self.to_web, self.to_hosts, self.to_schedulers

    def way(self, what: str, mark: str) -> Path:
        """Return the file by which a test and an errand understand each other."""
        return self.folder / "errands" / f"{mark} {what}"

    def new_mark(self) -> str:
        return f"errand-{next(_numbers)}"

    def ask(self, kind: str, mark: str) -> Asked:
        """Ask the web server for an errand."""
        return Asked(self.port, f"/errands?kind={kind.replace(' ', '+')}&mark={mark}")

    def worker_of(self, mark: str) -> Program:
        """Return the host that has taken the errand, once one has."""
        found: list[Program] = []

        def look() -> bool:
            found[:] = [host for host in self.hosts if host.is_running and host.leader == self._supervisor_of(mark)]
            return bool(found)

        self.wait_until(look, what=f"Nobody takes {mark}")
        return found[0]

    def mend(self) -> None:
        """Have everything run again, and nothing stand in its way."""
        for proxy in self.proxies:
            proxy.forget()
        for server in self.servers:
            server.start()
        was_up = self.web.is_running
        for program in self.programs:
            program.start()
            program.thaw()
        if not was_up:
            self.wait_until(self._answers, seconds=START_SECONDS)

    @contextmanager
    def another_scheduler(self) -> Iterator[None]:
        """Have a second scheduler within the block."""
        extra = self.program("another scheduler", "jobs.scheduler", **self._by_way_of(self.to_schedulers))
        extra.start()
        try:
            yield
        finally:
            extra.kill()
            self._programs.remove(extra)

    def _man(self) -> None:
        self.web = self.program("web", "gunicorn", APP, HOST=HOST, PORT=str(self.port), **self._by_way_of(self.to_web))
        self.environment |= self._by_way_of(self.to_hosts)
        self.man(hosts=2, schedulers=0, processes=1)
        self.environment |= self._by_way_of(self.to_schedulers)
        self.man(hosts=0, schedulers=1)
        self.web.start()
        self.wait_until(self._answers, seconds=START_SECONDS)

    def _by_way_of(self, proxy: CuttingProxy) -> dict[str, str]:
        return {"REDIS_URL": f"redis://{HOST}:{proxy.port}/0"}

    def _answers(self) -> bool:
        return Asked(self.port, "/healthz", method="GET").wait() == 200

    def _supervisor_of(self, mark: str) -> int:
        """Return the process whose child has taken the errand, which the worker's name contains; 0 when none has.

        Redis knows it first, and forgets it when the run is pushed once more, as by a reconciler that finds Redis new;
        the row has it once the claim is committed.
        """
        with Redis.from_url(self.jobs_redis.url) as redis:
            for row in self.rows("SELECT id, worker FROM job_run WHERE arguments ->> 'mark' = %(mark)s", mark=mark):
                said: Any = redis.hget(f"rq:job:{row['id']}", "worker_name")
                name = said.decode() if said else row["worker"]
                if name:
                    return int(name.split(".")[-2])
        return 0


class Asked:
    """A request that is under way, beside the test; `wait` returns its status, 0 when there was no answer."""

    def __init__(self, port: int, path: str, *, method: str = "POST") -> None:
        self._status = 0
        self._thread = threading.Thread(target=self._ask, args=(port, path, method), daemon=True)
        self._thread.start()

    def wait(self) -> int:
        self._thread.join(ANSWER_SECONDS)
        return self._status

    def _ask(self, port: int, path: str, method: str) -> None:
        connection = HTTPConnection(HOST, port, timeout=ANSWER_SECONDS)
        with suppress(OSError, HTTPException):
            connection.request(method, path)
            self._status = connection.getresponse().status
        connection.close()
