"""`python -m bench jobs`: no-op jobs per second, the rate of enqueueing and the wait when idle, for all contenders."""

from __future__ import annotations

import argparse
from typing import Any

from bench import machine
from bench.installation import installation
from bench.jobs import race
from bench.jobs.contenders import ALMANAC, chosen
from bench.jobs.results import figures, text
from bench.jobs.team import Team
from bench.report import Report

SUMMARY = "background jobs: Almanac beside Celery, Dramatiq, Huey and stock RQ"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what this bench alone can be told."""
    parser.add_argument("--only", metavar="NAMES", help="contenders to measure, separated by commas (default: all)")


def measure(options: argparse.Namespace) -> Report:
    """Run the race on servers of its own; raises BenchError when a contender is missing or stuck."""
    contenders = chosen(options.only)
    length = race.QUICK if options.quick else race.FULL
    with installation() as servers:
        where: dict[str, Any] = machine.describe(servers)
        teams = [Team(contender, servers) for contender in contenders]
        for team in teams:
            team.start()
        if ALMANAC in contenders:
            servers.start_scheduler()  # its share of the machine is part of what Almanac costs
        laps = race.run(teams, length, options.say)
    found = figures(laps, where=where, quick=options.quick)
    return Report(name="jobs", figures=found, text=text(found))
