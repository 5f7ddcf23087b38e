"""A worker as production runs it, which a test can watch, signal and kill."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self, TypeVar
from uuid import UUID

from jobs.runtime import store
from jobs.runtime.models import JobRun
from tests.jobs.labour import GO, LOG
from tests.warm import Warm
from webapp.core.db import transaction
from webapp.core.redis import jobs_redis
from webapp.operations.queries import LiveWorker, live_workers

ROOT = Path(__file__).resolve().parents[2]
# Who waits for what will come loses nothing by patience on a machine that runs other tests beside this one.
PATIENCE_SECONDS = 60.0
T = TypeVar("T")


def eventually(true: Callable[[], T], *, seconds: float = PATIENCE_SECONDS) -> T:
    """Return what `true` returns as soon as that is something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = true()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError(f"did not come true within {seconds:g} s")


def told() -> list[tuple[str, str, int]]:
    """What jobs have told so far: event, mark, process."""
    lines: Any = jobs_redis().lrange(LOG, 0, -1)
    return [(event, mark, int(pid)) for event, mark, pid in (line.decode().split() for line in lines)]


def times(event: str, mark: str) -> int:
    return [(told_event, told_mark) for told_event, told_mark, _ in told()].count((event, mark))


def process_of(event: str, mark: str, *, nth: int = 1) -> int:
    """Wait until a job has told this for the nth time; return the process that did."""

    def pids() -> list[int]:
        return [pid for told_event, told_mark, pid in told() if (told_event, told_mark) == (event, mark)]

    return eventually(lambda: pids()[nth - 1 :])[0]


def go(mark: str) -> None:
    """Let a job go on that waits for the word."""
    jobs_redis().rpush(GO + mark, "go")


def row(run_id: UUID) -> JobRun:
    with transaction():
        found = store.find(run_id)
    assert found is not None
    return found


def queued(name: str = "bookings") -> list[str]:
    ids: Any = jobs_redis().lrange(f"rq:queue:{name}", 0, -1)
    return [member.decode() for member in ids]


def leftovers() -> set[str]:
    """RQ's keys that speak of work under way."""
    patterns = ("rq:wip:*", "rq:execution:*", "rq:executions:*", "rq:worker:*:executions")
    return {key.decode() for pattern in patterns for key in jobs_redis().scan_iter(pattern)}


def is_gone(pid: int) -> bool:
    """True when the process has ended, buried or not."""
    asked = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return asked.stdout.strip()[:1] in {"", "Z"}


class Worker:
    """`python -m jobs.worker` in a session of its own, with the jobs of `labour`; killed at the end of the block."""

    def __init__(self, folder: Path, *arguments: str, processes: int = 1, **settings: str) -> None:
        self._log = folder / f"worker-{time.monotonic_ns()}.log"
        self._command = ("jobs.worker", "--processes", str(processes), *arguments)
        self._awaited = 0 if "--burst" in arguments else processes
        self._environment = {**os.environ, "FLASK_APP": "tests.jobs.labour_app:app", "LOG_LEVEL": "info", **settings}
        self.process: Warm

    def __enter__(self) -> Self:
        self.process = Warm(*self._command, environment=self._environment, log=self._log)
        try:
            eventually(lambda: len(self.records()) >= self._awaited)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for number in (signal.SIGCONT, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
        self.process.wait()

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def log(self) -> str:
        return self._log.read_text()

    def records(self) -> list[LiveWorker]:
        """The children as RQ's books have them."""
        return live_workers(redis=jobs_redis())

    def children(self) -> list[int]:
        """The processes that are at work."""
        return [pid for record in self.records() if (pid := record.pid) is not None and not is_gone(pid)]

    def stop(self, *, group: bool = False, number: signal.Signals = signal.SIGTERM) -> None:
        (os.killpg if group else os.kill)(self.pid, number)

    def ended(self, seconds: float = PATIENCE_SECONDS) -> int:
        """Wait for its end; return its exit code."""
        return self.process.wait(seconds)
