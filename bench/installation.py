"""An installation of Almanac as production runs it, and programs beside it, for as long as a bench lasts.

PostgreSQL waits for the disk at every commit and Redis keeps an append-only file, as in production.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from bench.report import BenchError
from devserver import tether
from devserver.servers import EmbeddedPostgres, EmbeddedRedis

ROOT = Path(__file__).resolve().parent.parent
_LAST_LINES = 15


class Program:
    """A program with all its children, which can be held still, released and ended together."""

    def __init__(self, name: str, *command: str, environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.command = command
        self._environment = environment
        self._log = log
        self._process: subprocess.Popen[str] | None = None

    @property
    def process(self) -> subprocess.Popen[str]:
        """Its first process; raises RuntimeError before it was started."""
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._process

    def start(self, *, talking: bool = False) -> None:
        """Start it; with `talking` its standard input and output are ours, otherwise all it says goes to its log."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                tether.command(*self.command, on_death=signal.SIGKILL),
                stdin=subprocess.PIPE if talking else subprocess.DEVNULL,
                stdout=subprocess.PIPE if talking else log,
                stderr=log,
                cwd=ROOT,
                env=dict(self._environment),
                start_new_session=True,  # a process group of its own, so that signals reach its children as well
                text=True,
            )

    def hold(self) -> None:
        """Have none of its processes run until `release`."""
        self._signal(signal.SIGSTOP)

    def release(self) -> None:
        """Let it run on where it was held."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """End all its processes at once, as a crash of the machine would; return when the first is gone."""
        self._signal(signal.SIGKILL)
        self.process.wait()

    def children(self) -> list[int]:
        """Return the ids of the processes that it has started itself; raises BenchError where there is no /proc."""
        pid = self.process.pid
        try:
            return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        except FileNotFoundError:
            raise BenchError("this bench looks into /proc and so needs Linux.") from None

    def end(self) -> None:
        """End it if it was started: nothing that it could finish would be looked at any more."""
        if self._process is None:
            return
        self.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    def last_words(self) -> str:
        """The end of its log, for the message of an error."""
        return "\n".join(self.words().splitlines()[-_LAST_LINES:]) or "(it said nothing)"

    def words(self) -> str:
        """All that it has written to its log."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):  # macOS calls a dead process one that is not permitted
            os.killpg(self.process.pid, number)


class Installation:
    """PostgreSQL, two Redis, the settings that lead to them, and a folder for logs and marks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.postgres = EmbeddedPostgres(folder / "postgres", durable=True)
        self.redis = EmbeddedRedis(folder / "redis", persistent=True)
        self.cache = EmbeddedRedis(folder / "cache", persistent=False)
        self._secret_key = secrets.token_hex(32)
        self._running = ExitStack()

    def start(self) -> None:
        """Start the servers and bring the database up to date."""
        for server in (self.postgres, self.redis, self.cache):
            self._running.enter_context(server)
        prepare = [sys.executable, "-m", "flask", "--app", "wsgi", "prepare"]
        done = subprocess.run(prepare, cwd=ROOT, env=self.environment(), capture_output=True, text=True, check=False)
        if done.returncode:
            raise BenchError(f"the database cannot be prepared:\n{done.stderr[-2000:]}")

    def stop(self) -> None:
        """End all programs and then the servers."""
        self._running.close()

    def environment(self) -> dict[str, str]:
        """The settings of an Almanac process of this installation: production's defaults, as far as there are any."""
        own = {
            "FLASK_APP": "bench.jobs.almanac:app",
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": self.redis.url,
            "CACHE_REDIS_URL": self.cache.url,
            "SMTP_URL": "smtp://127.0.0.1:25",
            "SECRET_KEY": self._secret_key,
            "PUBLIC_URL": "http://127.0.0.1:8000",
            "LOG_LEVEL": "warning",
        }
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder)} | own

    def start_scheduler(self, number: int = 1) -> None:
        """Start what looks after delayed and lost jobs in production."""
        self.program(
            f"scheduler-{number}", sys.executable, "-m", "jobs.scheduler", environment=self.environment()
        ).start()

    def program(self, name: str, *command: str, environment: Mapping[str, str]) -> Program:
        """Return a program, not started yet, that is ended with this installation."""
        made = Program(name, *command, environment=environment, log=self.folder / f"{name}.log")
        self._running.callback(made.end)
        return made


@contextmanager
def installation() -> Iterator[Installation]:
    """A new installation in a folder of its own under `var/`, the disk that `make run` would use; gone afterwards."""
    var = Path(os.environ.get("ALMANAC_VAR") or ROOT / "var")
    var.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=var) as folder:
        made = Installation(Path(folder))
        try:
            made.start()
            yield made
        finally:
            made.stop()
