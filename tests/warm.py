"""Almanac's programs without the wait for their imports: forked from a process that has them, and otherwise the same.

A program of ours spends two seconds of processor time on loading what never changes. Tests start and kill dozens of
them, so each process of tests keeps one that has loaded it all and has done nothing else: no settings, no connections,
no threads. What is forked from it becomes the program as `python -m` would: its own arguments, environment, session and
output. Whoever tests the start itself starts it by `subprocess`.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

from devserver import tether

ROOT = Path(__file__).resolve().parents[1]

_nursery = multiprocessing.get_context("forkserver")
_nursery.set_forkserver_preload(["tests.warm_imports"])


class Warm:
    """`python -m` of a module with arguments, in a session of its own, that dies with the process which started it."""

    def __init__(self, *command: str, environment: dict[str, str], log: Path | None = None) -> None:
        """Start it; return once its session exists. What it says is added to `log`; without one nobody hears it."""
        born, bearing = _nursery.Pipe(duplex=False)
        what = (command, environment, str(log or os.devnull), bearing)
        self._process = _nursery.Process(target=_become, args=what, daemon=True)
        self._process.start()
        bearing.close()
        with born, suppress(EOFError):
            born.recv_bytes()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def poll(self) -> int | None:
        """Return how it ended, as `subprocess` has it; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Return how it ended; raises subprocess.TimeoutExpired when it has not within so many seconds."""
        self._process.join(timeout)
        if (code := self.poll()) is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0)
        return code

    def send_signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _become(command: tuple[str, ...], environment: dict[str, str], log: str, bearing: Connection) -> None:
    """Be that program, to its end; close `bearing` at the point where another program would be executed."""
    tether.die_with_parent(signal.SIGKILL)
    os.setsid()
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(environment)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(output, stream.fileno())
    # What it prints is read while it runs, and a file would get it by the block.
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # it is a text file, as in any program
    bearing.close()
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))  # or the process forked from would take this one for its owner
    module, *arguments = command
    sys.argv = [module, *arguments]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        atexit._run_exitfuncs()  # as at the end of any program; multiprocessing leaves it out
