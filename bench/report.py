"""What a bench hands back, and the small arithmetic and tables that all of them need."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any


class BenchError(Exception):
    """A bench cannot be run to its end; the message is one sentence that says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """`figures` for programs, `text` (Markdown) for people."""

    name: str
    figures: dict[str, Any]
    text: str


@dataclass(frozen=True)
class Spread:
    """The median of repeated measurements, with the lowest and the highest of them."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Raises statistics.StatisticsError when there are no values."""
        ordered = sorted(values)
        return cls(median(ordered), ordered[0], ordered[-1])

    def __format__(self, spec: str) -> str:
        return f"{self.median:{spec}} ({self.low:{spec}} to {self.high:{spec}})"


@dataclass(frozen=True, kw_only=True)
class Target:
    """A number to reach: at least `wanted`, or with `at_most` no more than it."""

    what: str
    wanted: float
    measured: float
    unit: str = ""
    at_most: bool = False

    @property
    def reached(self) -> bool:
        """Tell whether the measurement is on the right side of what is wanted."""
        return self.measured <= self.wanted if self.at_most else self.measured >= self.wanted


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest of `values` that at least `share` (0 to 1) of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -int(-len(ordered) * share // 1) - 1)]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table, its first column aligned to the left and the others to the right."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def targets_table(targets: Iterable[Target]) -> str:
    """Return what was to be reached beside what was measured."""
    rows = (
        [
            target.what,
            f"{'at most' if target.at_most else 'at least'} {target.wanted:,g}{target.unit}",
            f"{target.measured:,.2f}{target.unit}",
            "yes" if target.reached else "**no**",
        ]
        for target in targets
    )
    return table(["To reach", "Wanted", "Measured", "Reached"], rows)


def replace_section(path: Path, *, name: str, text: str) -> None:
    """Put `text` between the marks `<!-- name -->` and `<!-- /name -->` of a file; raises BenchError without them."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, found, rest = path.read_text().partition(begin) if path.exists() else ("", "", "")
    _old, closed, after = rest.partition(end)
    if not (found and closed):
        raise BenchError(f"{path} has no section for this bench: put the lines {begin} and {end} where it belongs.")
    path.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}")
