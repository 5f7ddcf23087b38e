"""The parts of Almanac under honcho: they start together, are started again when they die, and stop together."""

from __future__ import annotations

import os
import select
import shlex
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any, TextIO

from honcho.manager import Manager
from honcho.printer import Message, Printer
from honcho.process import Process

from devserver import keep, tether

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_EARLY_STOP_SECONDS = 0.1
# So long a part has time to end by itself: a web server finishes what it was asked.
_GRACE_SECONDS = 20.0


class Supervisor(Manager):  # type: ignore[misc]  # honcho has no type information
    """honcho's manager, which also remembers who went first, and stops when the terminal is closed.

    `introduce` is called in a thread once all parts have been started; what it returns is printed as it is.
    """

    def __init__(self, *, introduce: Callable[[], str]) -> None:
        super().__init__(_SteadyPrinter(sys.stdout))
        self._process_ctor = _TiedProcess
        self._procmgr = _Signals()
        self._introduce = introduce
        self.ended_first: dict[str, int] = {}
        self._force_at = 0.0

    def loop(self) -> None:
        """Run the parts until one ends (then `ended_first` holds its name and exit code) or a stop is asked for."""
        if not _outlives_terminal():
            signal.signal(signal.SIGHUP, lambda *_: _ask_for_stop())
        super().loop()

    def terminate(self) -> None:
        """Stop all parts; as soon as they are all there, for honcho cannot stop what has not told its number."""
        if not self._all_started():
            threading.Timer(_EARLY_STOP_SECONDS, _ask_for_stop).start()
            return
        if not self._terminating:
            codes = {name: part.get("returncode") for name, part in self._processes.items()}
            self.ended_first = {name: code for name, code in codes.items() if code is not None}
            self._force_at = time.monotonic() + _GRACE_SECONDS
        super().terminate()

    def kill(self) -> None:
        """End by force what has not ended in time; honcho asks for it, again and again, after some seconds."""
        if time.monotonic() >= self._force_at:
            super().kill()

    def _start(self) -> None:
        super()._start()
        threading.Thread(target=self._print_introduction, name="introduction", daemon=True).start()
        if not _outlives_terminal():
            threading.Thread(target=_stop_when_unheard, name="terminal", daemon=True).start()

    def _print_introduction(self) -> None:
        text = self._introduce()
        self.events.put(Message(type="line", data=text, time=datetime.now().astimezone(), name=None, colour=None))


class _Signals:
    """How honcho stops a part: politely its first process, which minds its children; by force all of them."""

    def terminate(self, pid: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)

    def kill(self, pid: int) -> None:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)


class _TiedProcess(Process):  # type: ignore[misc]  # honcho has no type information
    """A part, and the process between that collects its output: both end with the supervisor, even if it is killed."""

    cmd: str
    name: str
    env: dict[str, str]

    def run(self, events: Any = None, ignore_signals: bool = False) -> None:
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        tether.die_with_parent(signal.SIGKILL)
        self.env = {**self.env, keep.COMMAND: self.cmd}
        self.cmd = f"exec {shlex.join(tether.command(sys.executable, '-m', 'devserver.keep', self.name))}"
        super().run(events, ignore_signals)


class _SteadyPrinter(Printer):  # type: ignore[misc]  # honcho has no type information
    """Prints without a prefix what comes from nobody, and stays calm when its terminal is gone."""

    output: TextIO

    def write(self, message: Message) -> None:
        try:
            if message.name is None:
                print(message.data, file=self.output, flush=True)
            else:
                super().write(message)
        except OSError:
            self.output = open(os.devnull, "w")  # noqa: PTH123, SIM115  kept until the end of the process


def _outlives_terminal() -> bool:
    """Tell whether SIGHUP is to be ignored, as it is under nohup."""
    return signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def _ask_for_stop() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def _stop_when_unheard() -> None:
    """Wait for the other end of our output to close: `make` keeps the SIGHUP of a closed terminal to itself."""
    output = select.poll()
    output.register(sys.stdout.fileno(), 0)  # being closed is reported unasked
    if any(event & (select.POLLHUP | select.POLLERR) for _, event in output.poll()):
        _ask_for_stop()
