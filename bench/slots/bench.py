"""`python -m bench slots`: the time to work out what can be booked, beside a straightforward implementation."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from bench import machine
from bench.installation import ROOT, Installation, installation
from bench.report import BenchError, Report, Target, percentile, table, targets_table

SUMMARY = "slots: the times that can be booked in a month, beside converting zones slot by slot"

# For each label and lap: milliseconds by the clock, and of the processor.
Laps = Mapping[str, Sequence[tuple[float, float]]]

HOSTS = 50
_PLAIN = "straightforward_"
_SHOWN_AS = {
    "cold": "One host, from PostgreSQL",
    "other_process": "One host, from Redis",
    "cached": "One host, from the cache",
    "engine": "One host, the engine alone",
    "team_cold": f"{HOSTS} hosts in turn, from PostgreSQL",
    "team_cached": f"{HOSTS} hosts in turn, from the cache",
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """There is nothing that this bench alone can be told."""


def measure(options: argparse.Namespace) -> Report:
    """Fill a studio on servers of its own and ask for its slots; raises BenchError when the answers differ."""
    rounds = 20 if options.quick else 60
    with installation() as servers:
        where = machine.describe(servers)
        options.say(f"Filling {HOSTS} diaries, and asking in {rounds} rounds for each")
        laps = _laps(servers, rounds)
    found = figures(laps, where=where, quick=options.quick)
    return Report(name="slots", figures=found, text=text(found))


def _laps(servers: Installation, rounds: int) -> Laps:
    command = [sys.executable, "-m", "bench.slots.laps", str(rounds), str(HOSTS)]
    environment = servers.environment() | {"RATE_LIMIT_PUBLIC": "1000000 per minute"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(f"the slots cannot be measured:\n{done.stderr[-2000:]}")
    laps: Laps = json.loads(done.stdout)
    return laps


def figures(laps: Laps, *, where: dict[str, Any], quick: bool) -> dict[str, Any]:
    """Return milliseconds by label, and by how many times the straightforward way takes longer, median by median."""
    taken = {label: _percentiles(values) for label, values in laps.items()}
    return {
        "quick": quick,
        "machine": where,
        "rounds": len(laps["team_cold"]),
        "server_ms": taken,
        "ratios": {
            label: round(taken[_PLAIN + label]["p50"] / each["p50"], 1)
            for label, each in taken.items()
            if _PLAIN + label in taken
        },
    }


def _percentiles(laps: Sequence[tuple[float, float]]) -> dict[str, float]:
    taken, worked = zip(*laps, strict=True)
    return {
        "p50": round(percentile(taken, 0.50), 2),
        "p95": round(percentile(taken, 0.95), 2),
        "processor_p50": round(percentile(worked, 0.50), 2),
    }


def text(found: Mapping[str, Any]) -> str:
    """Return the tables."""
    return "\n\n".join(
        [
            machine.sentence(found["machine"]),
            f"{found['rounds']} rounds." + (" A quick look." if found["quick"] else ""),
            _table(found["server_ms"], found["ratios"]),
            targets_table(targets_of(found)),
        ]
    )


def targets_of(found: Mapping[str, Any]) -> list[Target]:
    """Return the numbers to reach."""
    wanted = {"cold": 25, "cached": 5, "team_cold": 250}
    return [
        Target(
            what=f"{_SHOWN_AS[label]}, p95",
            wanted=most,
            measured=found["server_ms"][label]["p95"],
            unit=" ms",
            at_most=True,
        )
        for label, most in wanted.items()
    ]


def _table(taken: Mapping[str, Mapping[str, float]], ratios: Mapping[str, float]) -> str:
    rows = [
        [shown, *_cells(taken[label]), *_cells(taken.get(_PLAIN + label)), _ratio(ratios.get(label))]
        for label, shown in _SHOWN_AS.items()
    ]
    head = ["31 days", "p50", "p95", "Processor", "Straightforward: p50", "p95", "Processor", "Times as fast"]
    return table(head, rows)


def _cells(taken: Mapping[str, float] | None) -> list[str]:
    return [f"{taken[name]:,.1f} ms" for name in ("p50", "p95", "processor_p50")] if taken else [""] * 3


def _ratio(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:,.1f}"
