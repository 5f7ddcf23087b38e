"""`make run`: Almanac and all it needs on one machine, from nothing, until Ctrl-C."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from functools import partial

from honcho.environ import parse_procfile

from devserver import tether
from devserver.environment import ROOT, Place, check_port, development_environment, place, write_for_shells
from devserver.files import take_lock
from devserver.servers import (
    AlreadyRunning,
    EmbeddedPostgres,
    EmbeddedRedis,
    EmbeddedServer,
    ServerError,
    free_port,
    wait_until,
)
from devserver.supervisor import STOP_SIGNALS, Supervisor
from devserver.welcome import introduction

_LOCK_SECONDS = 2.0  # what is left of a copy that was killed a moment ago is gone by then


def main() -> int:
    """Run Almanac until told to stop; returns the exit code: 0 stopped as asked, 1 a part ended, 2 it cannot start."""
    parser = argparse.ArgumentParser(prog="python -m devserver", description=__doc__)
    parser.add_argument("--with-parent", action="store_true", help="stop when the process that started this one ends")
    if parser.parse_args().with_parent:
        tether.die_with_parent(signal.SIGTERM)
    for number in STOP_SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as SIGHUP is under nohup
            signal.signal(number, signal.default_int_handler)
    try:
        return _run(os.environ)
    except ServerError as error:
        _say(f"Almanac cannot start: {error}")
        return 2
    except KeyboardInterrupt:
        return 0


def _run(given: Mapping[str, str]) -> int:
    here = place(given)
    with ExitStack() as running:
        _claim(here, running)
        parts = _parts()
        servers = _start_servers(given, here, running)
        if not given.get("SMTP_URL"):
            port = free_port()
            servers["SMTP_URL"] = f"smtp://127.0.0.1:{port}"
            parts["mail"] = f"python -m devserver.mail --port {port} --dir {shlex.quote(str(here.var / 'mail'))}"
        environment = development_environment(given=given, here=here, servers=servers)
        write_for_shells(environment, given=given, path=here.var / "env")
        code = _prepare(here, environment)
        if code:
            return code
        running.callback(_ignore_stop_signals)  # the servers stop undisturbed, however impatient the Ctrl-C
        return _supervise(parts, here=here, environment=environment)


def _claim(here: Place, running: ExitStack) -> None:
    """Take the data folder and look at the port. Raises ServerError when another copy has either."""
    try:
        here.var.mkdir(parents=True, exist_ok=True)
        lock = running.enter_context((here.var / "run.lock").open("ab"))
    except OSError as error:
        raise ServerError(
            f"The data folder {here.var} cannot be used ({error.strerror}): choose another with ALMANAC_VAR."
        ) from None
    if not wait_until(lambda: take_lock(lock), _LOCK_SECONDS):
        raise AlreadyRunning(
            f"it already runs with the data in {here.var}: stop it first, or give this copy a folder and a port "
            "of its own, such as ALMANAC_VAR=var2 PORT=8001."
        )
    check_port(here)


def _start_servers(given: Mapping[str, str], here: Place, running: ExitStack) -> dict[str, str]:
    """Start the servers that were not given, to be stopped in the opposite order; return their addresses."""
    ours: dict[str, EmbeddedServer] = {
        "DATABASE_URL": EmbeddedPostgres(here.var / "postgres"),
        "REDIS_URL": EmbeddedRedis(here.var / "redis-jobs", persistent=True),
        "CACHE_REDIS_URL": EmbeddedRedis(here.var / "redis-cache", persistent=False),
    }
    wanted = {name: server for name, server in ours.items() if not given.get(name)}
    for server in wanted.values():
        running.enter_context(server)
    return {name: server.url for name, server in wanted.items()}


def _parts() -> dict[str, str]:
    """What runs in production runs here: the lines of the Procfile, but for the one that is run once."""
    processes: dict[str, str] = parse_procfile((ROOT / "Procfile").read_text()).processes
    return {name: command for name, command in processes.items() if name != "release"}


def _prepare(here: Place, environment: Mapping[str, str]) -> int:
    """Bring the database up to date and, the first time, put the demo in; returns the exit code."""
    prepare = ("-m", "flask", "--app", "wsgi", "prepare", "--demo", str(here.var / "demo.json"))
    command = tether.command(sys.executable, *prepare, on_death=signal.SIGKILL)
    done = subprocess.run(command, cwd=ROOT, env=environment, start_new_session=True, check=False)  # noqa: S603  our own
    return done.returncode


def _supervise(parts: Mapping[str, str], *, here: Place, environment: Mapping[str, str]) -> int:
    multiprocessing.set_start_method("fork")  # the same everywhere: other ways have a helper that the terminal can kill
    introduce = partial(introduction, here=here, environment=environment, demo=here.var / "demo.json")
    supervisor = Supervisor(introduce=introduce)
    for name, command in parts.items():
        supervisor.add_process(name, command, env=environment, cwd=str(ROOT))
    supervisor.loop()
    for name, code in supervisor.ended_first.items():
        _say(f"Almanac stopped because its part '{name}' ended with exit code {code}: its last lines above say why.")
    return 1 if supervisor.ended_first else 0


def _ignore_stop_signals() -> None:
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _say(sentence: str) -> None:
    with suppress(OSError):  # the terminal may be gone
        print(sentence, file=sys.stderr, flush=True)  # noqa: T201  a program's own output


if __name__ == "__main__":
    sys.exit(main())
