"""`python -m bench start`: how long `make run` takes until Almanac is ready, on an empty folder and on a full one."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from typing import Any

from bench import machine
from bench.installation import Installation, Program, installation
from bench.report import BenchError, Report, Spread, Target, table, targets_table
from devserver.servers import free_port, wait_until

SUMMARY = "the start: until `make run` is ready, the first time and again"

_READY = "Almanac is ready."
_GIVE_UP_SECONDS = 120.0


def add_options(parser: argparse.ArgumentParser) -> None:
    """There is nothing that this bench alone can be told."""


def measure(options: argparse.Namespace) -> Report:
    """Start and stop a copy of its own, once on nothing and then on its data; raises BenchError when it does not."""
    again = 2 if options.quick else 10
    with installation() as servers:
        where = machine.describe(servers)
        copy = _copy(servers)
        options.say("Starting on an empty folder")
        first = _start_and_stop(copy)
        options.say(f"Starting {again} times on its data")
        later = Spread.of(_start_and_stop(copy) for _ in range(again))
    found = {
        "machine": where,
        "starts": again,
        "first_seconds": round(first, 2),
        "again_seconds": {"median": round(later.median, 2), "low": round(later.low, 2), "high": round(later.high, 2)},
    }
    return Report(name="start", figures=found, text=_text(found, later))


def _copy(servers: Installation) -> Program:
    """`make run` with a folder and a port of its own; the servers of the installation only say what machine this is."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(servers.folder),
        "PORT": str(free_port()),
        "ALMANAC_VAR": str(servers.folder / "copy"),
    }
    return servers.program("start", sys.executable, "-m", "devserver", environment=environment)


def _start_and_stop(copy: Program) -> float:
    """Return the seconds from the command to the screen that says where Almanac is."""
    said_before = copy.words().count(_READY)
    began = time.perf_counter()
    copy.start()
    if not wait_until(lambda: copy.words().count(_READY) > said_before, _GIVE_UP_SECONDS):
        raise BenchError(f"Almanac does not come up:\n{copy.last_words()}")
    took = time.perf_counter() - began
    copy.process.send_signal(signal.SIGINT)
    copy.process.wait(_GIVE_UP_SECONDS)
    return took


def _text(found: dict[str, Any], later: Spread) -> str:
    rows = [
        ["On an empty folder", f"{found['first_seconds']:.1f} s", "1"],
        ["On its data", f"{later:.1f} s", str(found["starts"])],
    ]
    target = Target(what="ready again, the slowest", wanted=10, measured=later.high, unit=" s", at_most=True)
    return "\n\n".join(
        [
            machine.sentence(found["machine"]),
            table(["Start", "Until it is ready", "Starts"], rows),
            targets_table([target]),
        ]
    )
