"""`python -m bench console`: the pages of the console, and the rate of jobs, with a million rows behind them."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from statistics import median
from typing import Any

from bench import machine
from bench.installation import ROOT, Installation, installation
from bench.jobs.contenders import ALMANAC
from bench.jobs.team import Team
from bench.report import BenchError, Report, Target, percentile, table, targets_table

SUMMARY = "the console and the rate of durable jobs with a million rows"

_PAGE_MS = 200.0
_LEAST_RATIO = 0.8


def add_options(parser: argparse.ArgumentParser) -> None:
    """There is nothing that this bench alone can be told."""


def measure(options: argparse.Namespace) -> Report:
    """Time jobs, fill the table, time every page, and time jobs again; raises BenchError when a page fails."""
    rows, times, jobs = (50_000, 3, 300) if options.quick else (1_000_000, 20, 2000)
    with installation() as servers:
        where = machine.describe(servers)
        team = Team(ALMANAC, servers)
        team.start()
        options.say("Running jobs over an empty table")
        empty = _rate(team, jobs)
        team.hold()
        options.say(f"Filling {rows:,} rows and opening every page {times} times")
        pages = _pages(servers, rows, times)
        options.say(f"Running jobs over {rows:,} rows")
        full = _rate(team, jobs)
    found = {
        "machine": where,
        "rows": rows,
        "pages": {name: _figures(page) for name, page in pages.items()},
        "jobs_a_second": {"empty": round(empty), "full": round(full)},
    }
    return Report(name="console", figures=found, text=_text(found))


def _rate(team: Team, jobs: int, *, laps: int = 5) -> float:
    """Return durable no-ops a second, the median of some laps after one that does not count."""
    rates = []
    for _ in range(laps + 1):
        team.fill("almanac_durable", jobs)
        rates.append(jobs / team.drain())
    return median(rates[1:])


def _pages(servers: Installation, rows: int, times: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.jobs.pages", str(rows), str(times)]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=servers.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BenchError(f"the pages cannot be measured:\n{done.stderr[-2000:]}")
    pages: dict[str, Any] = json.loads(done.stdout)
    return pages


def _figures(page: dict[str, Any]) -> dict[str, Any]:
    taken = page["ms"]
    return {
        "p50_ms": round(median(taken), 1),
        "p95_ms": round(percentile(taken, 0.95), 1),
        "walks": len(page["walks"]),
    }


def _text(found: dict[str, Any]) -> str:
    rows = (
        [name, f"{page['p50_ms']:,.1f} ms", f"{page['p95_ms']:,.1f} ms", str(page["walks"] or "none")]
        for name, page in found["pages"].items()
    )
    speed = found["jobs_a_second"]
    conditions = (
        f"With {found['rows']:,} runs in the table; durable no-ops: {speed['empty']:,} a second before, "
        f"{speed['full']:,} with them."
    )
    targets = [
        Target(
            what="the slowest page, p95",
            wanted=_PAGE_MS,
            measured=max(page["p95_ms"] for page in found["pages"].values()),
            unit=" ms",
            at_most=True,
        ),
        Target(
            what="queries that walk through all runs",
            wanted=0,
            measured=sum(page["walks"] for page in found["pages"].values()),
            at_most=True,
        ),
        Target(what="durable jobs, over an empty table", wanted=_LEAST_RATIO, measured=speed["full"] / speed["empty"]),
    ]
    return "\n\n".join(
        [
            machine.sentence(found["machine"]),
            conditions,
            table(["Page", "Half within", "95 % within", "Queries through the whole table"], rows),
            targets_table(targets),
        ]
    )
