"""Whether all that was told is done exactly so: from the tables, and from the diary that the jobs have kept."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.faults.chores import BEGUN
from tests.faults.fleet import Fleet

DUPLICATES_AT_MOST = 0.001
# How much earlier than its time a job may begin: clocks differ.
EARLY_SECONDS = 1

OURS = "name LIKE 'tests.faults.chores.%%'"

_LOST = """
SELECT unit, kind, step FROM told CROSS JOIN LATERAL generate_series(0, runs - 1) AS step
WHERE NOT EXISTS (SELECT FROM effect WHERE effect.unit = told.unit AND effect.step = step)
"""
_UNFINISHED = f"""
SELECT id, name, state, attempt, interruptions, failures, error FROM job_run
WHERE {OURS} AND state <> 'succeeded'
"""
_OPEN = "SELECT id, kind, state, total, done, failed FROM job_canvas WHERE state <> 'succeeded'"
_TWICE = """
SELECT unit, step, times FROM effect LEFT JOIN told USING (unit) WHERE times > 1 OR told.unit IS NULL OR step >= runs
"""
_RUNS = f"""
SELECT told.unit, kind, runs, counted FROM told FULL JOIN (
    SELECT (arguments ->> 'unit')::int AS unit, count(*) AS counted FROM job_run WHERE {OURS} GROUP BY 1
) AS run USING (unit) WHERE counted IS DISTINCT FROM runs
"""
_OTHERWISE = f"""
SELECT told.unit, kind, told.value, effect.value AS got, not_before, effect.at, told.failures, job_run.failures AS had
FROM told JOIN effect ON effect.unit = told.unit AND effect.step = told.runs - 1
LEFT JOIN job_run ON told.runs = 1 AND {OURS} AND (arguments ->> 'unit')::int = told.unit
WHERE told.value IS DISTINCT FROM effect.value OR told.failures <> coalesce(job_run.failures, 0)
   OR effect.at < not_before - interval '{EARLY_SECONDS} second'
"""
_STARTS = f"""
SELECT job_run.id::text, 1 + told.failures AS wanted FROM job_run
JOIN told ON told.unit = (arguments ->> 'unit')::int WHERE {OURS}
"""


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
    """What came of the told `jobs`: those `lost`, effects that are `double`, things done `otherwise` than told."""

    jobs: int
    lost: int
    double: int
    otherwise: int
    starts: Starts
    examples: tuple[str, ...]

    @property
    def duplicate_share(self) -> float:
        """How many of the jobs were started once too often, as a fraction."""
        return self.starts.duplicates / max(self.jobs, 1)

    @property
    def holds(self) -> bool:
        """True when nothing was lost or done twice, and next to nothing started in vain."""
        return not (self.lost or self.double or self.otherwise) and self.duplicate_share < DUPLICATES_AT_MOST

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
    missing, open_runs, open_canvases = fleet.rows(_LOST), fleet.rows(_UNFINISHED), fleet.rows(_OPEN)
    twice, miscounted = fleet.rows(_TWICE), fleet.rows(_RUNS)
    otherwise = [*fleet.rows(_OTHERWISE), *open_canvases]
    (told,) = fleet.rows("SELECT coalesce(sum(runs), 0)::int AS runs FROM told")
    wanted = {row["id"]: row["wanted"] for row in fleet.rows(_STARTS)}
    found = {"lost": [*missing, *open_runs], "double": [*twice, *miscounted], "otherwise": otherwise}
    return Verdict(
        jobs=told["runs"],
        lost=max(len(missing), len(open_runs)),
        double=len(twice) + len(miscounted),
        otherwise=len(otherwise),
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
