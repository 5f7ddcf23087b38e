"""An installation of Almanac as production runs it, whose every part can be killed, frozen and started again.

Its programs are real processes and its servers are real servers on loopback. Nothing of it outlives the test run.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Self

import psycopg
from psycopg.rows import dict_row

from devserver.servers import HOST, EmbeddedPostgres, EmbeddedRedis, EmbeddedServer, free_port
from devserver.servers import wait_until as poll
from tests.faults.mailserver import MailServer
from tests.warm import Warm

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 90.0
PATIENCE_SECONDS = 60.0  # other tests run beside this one
POLL_SECONDS = 0.05
LAST_LINES = 40
SCHEDULED = "rq:scheduler:scheduled_jobs"

# Short enough for tests, and each as far from the others as in production.
LEASE_SECONDS = 2.0
FAST = {
    "LEASE_SECONDS": str(LEASE_SECONDS),
    "RECONCILE_SECONDS": "0.3",
    "SCHEDULER_SECONDS": "0.1",
    "BREAKER_SECONDS": "0.5",
    # Who is missing, slow or failing is so on purpose, and every mail is counted.
    "ALERT_ABSENCE_SECONDS": "3600",
    "ALERT_JOB_SECONDS": "3600",
    "ALERT_FAILURE_PERCENT": "100",
    "ALERT_MEMORY_PERCENT": "100",
}

# Work that is due or under way. What waits for later may only be what was asked for later: reminders, the end of an
# offer to a waitlist, every minute the second look for alerts, and after three past the hour open times to work out.
UNFINISHED = """
SELECT name, state, attempt, failures, interruptions, run_at - now() AS due_in, error FROM job_run
WHERE state = 'running' OR (state = 'waiting' AND (run_at <= now() OR name NOT IN (
    'notifications.send_booking_reminder', 'bookings.expire_waitlist_offer', 'operations.check_alerts',
    'availability.precompute_availability_cache'
)))
"""

HURRY = """
UPDATE job_run SET run_at = now() - interval '1 minute' WHERE state = 'waiting' AND failures > 0 RETURNING id
"""


class Program:
    """One of Almanac's programs: a process and its children, which form a session of their own."""

    def __init__(self, name: str, *command: str, environment: dict[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        self._command = command
        self._environment = environment
        self._process: Warm | None = None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def has_ended(self) -> bool:
        """True when it was started and has ended by itself, not by `kill`."""
        return self._process is not None and self._process.poll() is not None

    @property
    def has_failed(self) -> bool:
        """True when it has ended by itself, and not well."""
        return self._process is not None and self._process.poll() not in {None, 0}

    def start(self) -> None:
        """Start it unless it runs."""
        if not self.is_running:
            self._process = Warm(*self._command, environment=self._environment, log=self.log)

    def kill(self) -> None:
        """End all its processes at once, as when the machine loses power; return when they are gone."""
        if self._process is not None:
            assert poll(lambda: not self._signal(signal.SIGKILL), 10), f"{self.name} cannot be killed"
            self._process.wait()
            self._process = None

    def kill_children(self) -> None:
        """End the processes that it has started, but not itself, as when one is out of memory."""
        self._signal(signal.SIGKILL, children_only=True)

    def kill_parent(self) -> None:
        """End the process that was started first, and see to it that its children are gone with it."""
        assert self._process is not None, f"{self.name} was never started"
        self._process.kill()
        self._process.wait()
        assert poll(lambda: not _session_members(self.leader), 10), f"The children of {self.name} outlive it"
        self._process = None

    @property
    def leader(self) -> int:
        """The process that was started first."""
        assert self._process is not None, f"{self.name} was never started"
        return self._process.pid

    def children(self) -> list[int]:
        """The living processes that it has started, and those that they have."""
        return [pid for pid in _session_members(self.leader) if pid != self.leader]

    def freeze(self) -> None:
        """Stop all its processes where they stand, as when a virtual machine is moved; `thaw` has them go on."""
        assert poll(lambda: set(self._signal(signal.SIGSTOP).values()) == {"T"}, 10), f"{self.name} cannot be frozen"

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def tail(self) -> str:
        """The last lines that it has written."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join([f"--- {self.name}:", *lines[-LAST_LINES:]])

    def _signal(self, number: signal.Signals, *, children_only: bool = False) -> dict[int, str]:
        """Send a signal to all living processes of the session; return their ids and the states they were in."""
        assert self._process is not None, f"{self.name} was never started"
        self._process.poll()  # so that it does not count as alive for want of somebody who buries it
        leader = self._process.pid
        members = _session_members(leader)
        for pid in members:
            if not (children_only and pid == leader):
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
        return members


class Site:
    """PostgreSQL, a Redis for jobs, and programs that use them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.postgres = EmbeddedPostgres(folder / "postgres")
        self.jobs_redis = EmbeddedRedis(folder / "jobs", persistent=True)
        self.environment: dict[str, str] = {}
        self._programs: list[Program] = []
        self._stack = ExitStack()

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def servers(self) -> tuple[EmbeddedServer, ...]:
        """What its programs cannot do without."""
        return self.postgres, self.jobs_redis

    @property
    def programs(self) -> tuple[Program, ...]:
        """Those that are to run all the time."""
        return tuple(self._programs)

    def program(self, name: str, *command: str, **settings: str) -> Program:
        """Return a program of this site, not started yet; it ends with the site at the latest."""
        environment = self.environment | settings
        made = Program(name, *command, environment=environment, log=self.folder / f"{name}.log")
        self._programs.append(made)
        return made

    def rows(self, query: str, **parameters: Any) -> list[dict[str, Any]]:
        """Ask the database directly; also for statements that return rows."""
        with psycopg.connect(self.postgres.url, row_factory=dict_row) as connection:
            return connection.execute(query, parameters).fetchall()

    def wait_until(self, condition: Callable[[], object], *, seconds: float = PATIENCE_SECONDS, what: str = "") -> None:
        """Return when `condition` holds; fails when that takes too long, or when a program ends by itself."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.describe(what or "What the test waits for does not happen.")
            ended = [program.name for program in self.programs if program.has_ended]
            assert not ended, self.describe(f"Ended by itself: {ended}.")
            time.sleep(POLL_SECONDS)

    def describe(self, *what: str) -> str:
        """Return a message for an assertion: what is wrong, and the last words of every program."""
        return "\n".join([*what, *(program.tail() for program in self._programs)])

    def run(self, *command: str) -> None:
        """Run a program of Python's module form to its end; fails unless it ends well."""
        log = self.folder / f"{command[0]}.log"
        assert Warm(*command, environment=self.environment, log=log).wait() == 0, log.read_text(errors="replace")

    def _end_programs(self) -> None:
        for program in self._programs:
            program.kill()


class Installation(Site):
    """PostgreSQL, two Redis, a mail server, web, worker and scheduler, with a demo organisation to book with."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.cache_redis = EmbeddedRedis(folder / "cache", persistent=False)
        self.mail = MailServer()
        self.port = free_port()
        self.demo: dict[str, Any] = {}

    @property
    def servers(self) -> tuple[EmbeddedServer, ...]:
        return self.postgres, self.jobs_redis, self.cache_redis

    @property
    def programs(self) -> tuple[Program, ...]:
        return self.web, self.worker, self.scheduler

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for server in self.servers:
                stack.enter_context(server)
            stack.enter_context(self.mail)
            self.environment = self._settings()
            self._prepare()
            stack.callback(self._end_programs)
            self.web = self.program("web", "gunicorn", "wsgi:app")
            self.worker = self.program("worker", "jobs.worker")
            self.scheduler = self.program("scheduler", "jobs.scheduler")
            self.bring_up()
            self.wait_until(self.is_ready, seconds=START_SECONDS)
            self._stack = stack.pop_all()
        return self

    @contextmanager
    def another(self, name: str, module: str) -> Iterator[Program]:
        """Have one more worker or scheduler within the block, as on a second machine."""
        extra = self.program(name, module)
        extra.start()
        try:
            yield extra
        finally:
            extra.kill()

    def bring_up(self) -> None:
        """Start whatever does not run, and return when the database can be asked and the web server answers."""
        for server in self.servers:
            server.start()
        for program in self.programs:
            program.start()
        self.wait_until(lambda: self._status("/healthz") == 200, seconds=START_SECONDS)

    def is_ready(self) -> bool:
        """True when the installation says so itself: database, Redis, a worker and a leading scheduler."""
        return self._status("/readyz") == 200

    def _status(self, path: str) -> int:
        connection = HTTPConnection(HOST, self.port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except (OSError, HTTPException):
            return 0
        finally:
            connection.close()

    def wait_until_at_rest(self) -> None:
        """Return when no work is due, under way or to be repeated; fails when some is stuck."""
        unfinished: list[dict[str, Any]] = []

        def at_rest() -> bool:
            unfinished[:] = self.rows(UNFINISHED)
            return not unfinished

        try:
            self.wait_until(at_rest)
        except AssertionError as error:
            raise AssertionError("\n".join(["Work is stuck:", *map(str, unfinished), str(error)])) from None

    def kill_everything(self) -> None:
        """Every program and every server at once, as when the power fails; `bring_up` brings them back."""
        for program in self.programs:
            program.kill()
        for server in self.servers:
            server.kill()

    def hurry(self) -> None:
        """Make what waits for its next try due now, as if its time had come; the reconciler takes it from there."""
        self.rows(HURRY)

    def _settings(self) -> dict[str, str]:
        own = {
            "ENVIRONMENT": "production",
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": self.jobs_redis.url,
            "CACHE_REDIS_URL": self.cache_redis.url,
            "SMTP_URL": self.mail.url,
            "SECRET_KEY": secrets.token_hex(32),
            "PUBLIC_URL": f"http://{HOST}:{self.port}",
            "HOST": HOST,
            "PORT": str(self.port),
            "RATE_LIMIT_PUBLIC": "100000 per minute",
            "LOG_FORMAT": "text",
            "LOG_LEVEL": "info",
            "PYTHONUNBUFFERED": "1",
        }
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder)} | own | FAST

    def _prepare(self) -> None:
        """Migrate the database and seed the demo organisation, by the command that a release runs."""
        file = self.folder / "demo.json"
        self.run("flask", "--app", "wsgi", "prepare", "--demo", str(file))
        self.demo = json.loads(file.read_text())


@contextmanager
def frozen(server: EmbeddedServer) -> Iterator[None]:
    """Within the block a server of one process takes connections, as its kernel does for it, and answers nothing."""
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


def _session_members(session: int) -> dict[int, str]:
    """Return the living processes of a session and the state of each: T is stopped."""
    return {pid: state for pid, state in _processes() if state != "Z" and _session_of(pid) == session}


def _processes() -> Iterator[tuple[int, str]]:
    """Yield the id and the state of every process, as the kernel abbreviates it: Z is dead and not yet buried."""
    if sys.platform != "linux":
        listed = subprocess.run(["ps", "-A", "-o", "pid=,state="], capture_output=True, check=True, text=True)
        yield from ((int(pid), state[0]) for pid, state in map(str.split, listed.stdout.splitlines()))
        return
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(FileNotFoundError, ProcessLookupError):  # it ends while we look
                yield int(entry.name), (entry / "stat").read_text().rpartition(")")[2].split()[0]


def _session_of(pid: int) -> int:
    try:
        return os.getsid(pid)
    except (ProcessLookupError, PermissionError):
        return 0
