"""`python -m bench [NAME] [--json] [--quick] [--write FILE]`: one bench, or without a name all of them."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from bench.report import BenchError, Report, replace_section
from devserver.servers import ServerError

Measure = Callable[[argparse.Namespace], Report]

# A bench is a module with `SUMMARY`, `add_options(parser)` and `measure(options) -> Report`.
BENCHES: Mapping[str, str] = {
    "start": "bench.start",
    "jobs": "bench.jobs.bench",
    "recovery": "bench.jobs.recovery",
    "memory": "bench.jobs.memory",
    "scheduler": "bench.jobs.scheduler",
    "console": "bench.jobs.console",
    "slots": "bench.slots.bench",
    "bookings": "bench.bookings.bench",
}


def main(arguments: list[str]) -> int:
    """Measure what is asked for and print it; returns the exit code: 0 measured, 1 could not, 2 asked for nonsense."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the servers are stopped then, too
    parser = _parser()
    named = bool(arguments) and not arguments[0].startswith("-")
    asked = [arguments] if named or _asks_for_help(arguments) else [[name, *arguments] for name in BENCHES]
    try:
        reports = [_measure(parser.parse_args(each)) for each in asked]
    except (BenchError, ServerError) as error:
        print(f"The bench cannot go on: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 1
    if "--json" in arguments:
        figures: Any = reports[0].figures if named else {report.name: report.figures for report in reports}
        print(json.dumps(figures, indent=2))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    benches = parser.add_subparsers(dest="bench", metavar="NAME", required=True)
    for name, path in BENCHES.items():
        module = import_module(path)
        bench = benches.add_parser(name, help=module.SUMMARY, description=module.SUMMARY)
        bench.add_argument("--json", action="store_true", help="print the figures for programs in place of tables")
        bench.add_argument("--quick", action="store_true", help="a rough look in less than a minute")
        bench.add_argument("--write", type=Path, metavar="FILE", help="put the tables into their section of FILE")
        module.add_options(bench)
        bench.set_defaults(measure=module.measure, say=partial(print, file=sys.stderr, flush=True))
    return parser


def _asks_for_help(arguments: list[str]) -> bool:
    return bool({"-h", "--help"} & set(arguments))


def _measure(options: argparse.Namespace) -> Report:
    measure: Measure = options.measure
    report = measure(options)
    if options.write is not None:
        replace_section(options.write, name=report.name, text=report.text)
    if not options.json:
        print(report.text)
    return report


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
