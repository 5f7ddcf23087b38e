"""`python -m bench memory`: what each of the worker's children costs over its parent, by the kernel's own count."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from bench import machine
from bench.installation import Installation, installation
from bench.jobs.contenders import ALMANAC
from bench.jobs.team import Team
from bench.report import Report, Target, table, targets_table

SUMMARY = "memory of the worker: what is shared with the parent, and what each child has of its own"

_PARTS = {"Rss": "resident", "Pss": "proportional", "Private_Clean": "own", "Private_Dirty": "own"}


def add_options(parser: argparse.ArgumentParser) -> None:
    """There is nothing that this bench alone can be told."""


def measure(options: argparse.Namespace) -> Report:
    """Start a worker with two children, give them work, and read their memory; raises BenchError without /proc."""
    jobs = 200 if options.quick else 5000
    with installation() as servers:
        where = machine.describe(servers)
        options.say(f"Running {jobs} jobs of each kind")
        processes = _after_work(servers, jobs)
    found = {"machine": where, "jobs": jobs, "processes": processes, "child_own_mb": _largest_own(processes)}
    return Report(name="memory", figures=found, text=_text(found))


def _after_work(servers: Installation, jobs: int) -> list[dict[str, Any]]:
    team = Team(ALMANAC, servers)
    team.start()
    for label in ALMANAC.labels:
        team.fill(label, jobs)
        team.drain()
    worker = team.workers[0]
    children = [{"process": "child", **_memory(pid)} for pid in worker.children()]
    return [{"process": "parent", **_memory(worker.process.pid)}, *children]


def _memory(pid: int) -> dict[str, float]:
    """Return megabytes: resident, proportional (shared pages divided among those who share them), and its own alone."""
    amounts = dict.fromkeys(_PARTS.values(), 0.0)
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name in _PARTS:
            amounts[_PARTS[name]] += int(rest.split()[0]) / 1024
    return {f"{name}_mb": round(amount, 1) for name, amount in amounts.items()}


def _largest_own(processes: list[dict[str, Any]]) -> float:
    return max(float(each["own_mb"]) for each in processes if each["process"] == "child")


def _text(found: dict[str, Any]) -> str:
    rows = (
        [
            each["process"].capitalize(),
            *(f"{each[f'{name}_mb']:,.1f} MB" for name in ("resident", "proportional", "own")),
        ]
        for each in found["processes"]
    )
    target = Target(what="a child's own memory", wanted=40, measured=found["child_own_mb"], unit=" MB", at_most=True)
    return "\n\n".join(
        [
            machine.sentence(found["machine"]),
            f"After {found['jobs']:,} jobs of each kind.",
            table(["Process", "Resident", "Its share", "Its own alone"], rows),
            targets_table([target]),
        ]
    )
