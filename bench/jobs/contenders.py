"""Who takes part: what is started for each, all with two processes that run one job at a time."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.installation import ROOT
from bench.report import BenchError

PEERS_PYTHON = ROOT / ".venv-bench" / "bin" / "python"


@dataclass(frozen=True, kw_only=True)
class Contender:
    """`labels` are the kinds of work it is measured at; `workers` command lines for its Python, one for each program.

    `database` is its own number on the one Redis that all share, `settings` what it reads from the environment.
    """

    name: str
    labels: tuple[str, ...]
    module: str
    python: Path
    workers: tuple[tuple[str, ...], ...]
    database: int
    settings: Mapping[str, str] = field(default_factory=dict)


def _peer(name: str, database: int, *workers: tuple[str, ...], **settings: str) -> Contender:
    return Contender(
        name=name,
        labels=(name,),
        module=f"bench.jobs.peers.on_{name}",
        python=PEERS_PYTHON,
        workers=workers,
        database=database,
        settings=settings,
    )


ALMANAC = Contender(
    name="almanac",
    labels=("almanac_durable", "almanac_transient"),
    module="bench.jobs.almanac",
    python=Path(sys.executable),
    workers=(("-m", "jobs.worker", "--processes", "2"),),
    database=0,
)
CELERY = _peer(
    "celery",
    1,
    (
        *("-m", "celery", "--app", "bench.jobs.peers.on_celery", "worker", "--pool", "prefork", "--concurrency", "2"),
        *("--loglevel", "WARNING", "--without-gossip", "--without-mingle", "--without-heartbeat"),
    ),
)
DRAMATIQ = _peer(
    "dramatiq",
    2,
    ("-m", "dramatiq", "bench.jobs.peers.on_dramatiq", "--processes", "2", "--threads", "1"),
    dramatiq_queue_prefetch="64",  # as Celery has it; by default one thread gets 2, and waits most of the time
)
HUEY = _peer(
    "huey",
    3,
    (
        *("-m", "huey.bin.huey_consumer", "bench.jobs.peers.on_huey.huey"),
        *("--worker-type", "process", "--workers", "2", "--no-periodic", "--quiet"),
    ),
)
RQ = _peer("rq", 4, *[("-m", "bench.jobs.peers.on_rq")] * 2)

CONTENDERS = (ALMANAC, CELERY, DRAMATIQ, HUEY, RQ)
PEERS = tuple(contender.name for contender in CONTENDERS if contender is not ALMANAC)


def chosen(names: str | None) -> list[Contender]:
    """Return the contenders named in a list with commas, all without one, their environment installed if need be.

    Raises BenchError for a name that nobody has, or when the peers cannot be installed.
    """
    wanted = {contender.name for contender in CONTENDERS} if names is None else set(names.split(","))
    unknown = wanted - {contender.name for contender in CONTENDERS}
    if unknown:
        raise BenchError(
            f"there is no contender {min(unknown)!r}: choose from {', '.join(each.name for each in CONTENDERS)}."
        )
    found = [contender for contender in CONTENDERS if contender.name in wanted]
    if found != [ALMANAC]:
        _install_peers()
    return found


def _install_peers() -> None:
    """Have make see to it that the peers' environment is there and as their lock says."""
    done = subprocess.run(["make", "--silent", ".venv-bench/installed"], cwd=ROOT, stdout=sys.stderr, check=False)
    if done.returncode:
        raise BenchError("the peers cannot be installed: the lines above say why; --only almanac does without them.")
