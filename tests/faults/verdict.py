"""Whether all that was told is done exactly so: from the tables, and from the diary that the jobs have kept."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.faults.chores import BEGUN
from tests.faults.fleet import Fleet

DUPLICATES_AT_MOST = 0.001
# Of fewer jobs a share says little: so many duplicates may always be.
FEW_DUPLICATES = 5
# How much earlier than its time a job may begin: clocks differ.
EARLY_SECONDS = 1

OURS = "name LIKE 'tests.faults.chores.%%'"
UNIT = "(arguments ->> 'unit')::int"

_LOST = """
SELECT unit, kind, step FROM told CROSS JOIN LATERAL generate_series(0, runs - 1) AS step
WHERE NOT EXISTS (SELECT FROM effect WHERE effect.unit = told.unit AND effect.step = step)
"""
_UNFINISHED = f"""
SELECT {UNIT} AS unit, id, name, state, attempt, interruptions, failures, error FROM job_run
WHERE {OURS} AND state <> 'succeeded'
"""
_OPEN = f"""
SELECT DISTINCT {UNIT} AS unit, canvas.id, kind, canvas.state, total, done, failed
FROM job_canvas AS canvas JOIN job_run ON canvas_id = canvas.id WHERE canvas.state <> 'succeeded'
"""
_TWICE = """
SELECT unit, step, times FROM effect LEFT JOIN told USING (unit) WHERE times > 1 OR told.unit IS NULL OR step >= runs
"""
_RUNS = f"""
SELECT told.unit, kind, runs, counted FROM told FULL JOIN (
    SELECT {UNIT} AS unit, count(*) AS counted FROM job_run WHERE {OURS} GROUP BY 1
) AS run USING (unit) WHERE counted IS DISTINCT FROM runs
"""
_OTHERWISE = f"""
SELECT told.unit, kind, told.value, effect.value AS got, not_before, effect.at, told.failures, job_run.failures AS had
FROM told JOIN effect ON effect.unit = told.unit AND effect.step = told.runs - 1
LEFT JOIN job_run ON told.runs = 1 AND {OURS} AND {UNIT} = told.unit
WHERE told.value IS DISTINCT FROM effect.value OR told.failures <> coalesce(job_run.failures, 0)
   OR effect.at < not_before - interval '{EARLY_SECONDS} second'
"""
_STARTS = f"""
SELECT job_run.id::text, 1 + told.failures AS wanted FROM job_run
JOIN told ON told.unit = {UNIT} WHERE {OURS}
"""
# By chance the same run may be hit so often that it is given up, as it should be.
_POISONED = f"SELECT {UNIT} AS unit FROM job_run WHERE {OURS} AND state = 'dead' AND interruptions >= 3"


@dataclass(frozen=True, kw_only=True)
class Starts:
    """How often work was begun: so often as it was told to be, which counts tries that were told to fail, and more.

    `interrupted` ones were cut short before the work was done, so that it had to be started again. `duplicates` are
    starts of what was done already, or was done in the meantime by another.
    """

    wanted: int
    begun: int
    interrupted: int
    duplicates: int


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What came of the told `jobs`: those `lost`, effects that are `double`, things done `otherwise` than told.

    Work of which a run was `poisoned`, its worker having been killed three times, is left out of account.
    """

    jobs: int
    lost: int
    double: int
    otherwise: int
    poisoned: int
    starts: Starts
    examples: tuple[str, ...]

    @property
    def duplicate_share(self) -> float:
        """How many of the jobs were started once too often, as a fraction."""
        return self.starts.duplicates / max(self.jobs, 1)

    @property
    def holds(self) -> bool:
        """True when nothing was lost or done twice, and next to nothing started in vain."""
        few = self.starts.duplicates <= FEW_DUPLICATES or self.duplicate_share < DUPLICATES_AT_MOST
        return few and not (self.lost or self.double or self.otherwise)

    def as_json(self) -> dict[str, object]:
        """Return all of it as JSON values."""
        return asdict(self) | {"duplicate_share": round(self.duplicate_share, 6), "holds": self.holds}


def unfinished(fleet: Fleet) -> int:
    """Return how many of the runs and canvases are not over."""
    open_runs = f"SELECT count(*) FROM job_run WHERE {OURS} AND state IN ('waiting', 'running')"
    open_canvases = "SELECT count(*) FROM job_canvas WHERE finished_at IS NULL"
    (row,) = fleet.rows(f"SELECT ({open_runs}) + ({open_canvases}) AS number")
    return int(row["number"])


def judge(fleet: Fleet, diary: Path) -> Verdict:
    """Hold all that was told against what is there."""
    poisoned = {row["unit"] for row in fleet.rows(_POISONED)}

    def ask(*queries: str) -> list[dict[str, Any]]:
        return [row for query in queries for row in fleet.rows(query) if row["unit"] not in poisoned]

    (told,) = fleet.rows("SELECT coalesce(sum(runs), 0)::int AS runs FROM told")
    missing, open_runs = ask(_LOST), ask(_UNFINISHED)
    double, otherwise = ask(_TWICE, _RUNS), ask(_OTHERWISE, _OPEN)
    found = {"lost": [*missing, *open_runs], "double": double, "otherwise": otherwise}
    wanted = {row["id"]: row["wanted"] for row in fleet.rows(_STARTS)}
    return Verdict(
        jobs=told["runs"],
        lost=max(len(missing), len(open_runs)),
        double=len(double),
        otherwise=len(otherwise),
        poisoned=len(poisoned),
        starts=read(diary.read_text().splitlines(), wanted),
        examples=tuple(f"{name}: {row}" for name, rows in found.items() for row in rows[:5]),
    )


def read(lines: list[str], wanted: dict[str, int]) -> Starts:
    """Return how often work was begun, by a diary in the order of events; `wanted` says how often each run is to be."""
    begun: Counter[str] = Counter()
    ended: Counter[str] = Counter()
    late: Counter[str] = Counter()
    for line in lines:
        what, run = line.split()
        if what == BEGUN:
            begun[run] += 1
            late[run] += bool(ended[run])
        else:
            ended[run] += 1
    duplicates = sum(max(late[run], ended[run] - 1) for run in begun)
    expected = sum(wanted.values())
    return Starts(
        wanted=expected,
        begun=begun.total(),
        interrupted=begun.total() - expected - duplicates,
        duplicates=duplicates,
    )
