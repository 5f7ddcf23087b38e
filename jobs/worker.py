"""The worker: `python -m jobs.worker [--processes N] [--queues …]`, a parent with N children that run the jobs."""

from __future__ import annotations

import argparse
from functools import partial

from jobs.runtime import registry
from jobs.runtime.carrier import queue_names_of
from jobs.runtime.execute import application
from jobs.runtime.prefork.supervisor import Supervisor
from jobs.watchman import keep_watch
from webapp.core.settings import LANES, QUEUES, settings


def main(arguments: list[str] | None = None) -> None:
    """Work until a signal stops it; exits 2 when asked for a queue that does not exist."""
    parser = argparse.ArgumentParser(prog="python -m jobs.worker", description=__doc__)
    parser.add_argument("--processes", type=int, help="how many children to run (WORKER_PROCESSES)")
    parser.add_argument(
        "--queues",
        help=f"what to work on, separated by commas (all of it: {','.join(QUEUES)}); "
        f"`email` is all lanes of that queue, `email:high` one of {', '.join(LANES)}",
    )
    parser.add_argument("--burst", action="store_true", help="end when the queues are empty")
    chosen = parser.parse_args(arguments)
    wanted = {name: queue_names_of(name) for name in (chosen.queues.split(",") if chosen.queues else QUEUES)}
    for unknown in [name for name, lanes in wanted.items() if not lanes]:
        parser.error(f"there is no queue {unknown!r}; choose from {', '.join(QUEUES)}, or a lane such as email:high")
    if chosen.processes is not None and chosen.processes < 1:
        parser.error("--processes must be at least 1")
    app = application()
    registry.load_jobs()
    processes = chosen.processes or settings().worker_processes
    beside = None if chosen.burst else partial(keep_watch, app)
    names = tuple(dict.fromkeys(lane for lanes in wanted.values() for lane in lanes))
    Supervisor(app, settings(), queues=names, processes=processes, burst=chosen.burst, beside=beside).run()


if __name__ == "__main__":
    main()
