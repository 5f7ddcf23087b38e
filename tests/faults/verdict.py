"""Whether all that was told is done exactly so: from the tables, and from the diary that the jobs have kept."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from tests.faults.chores import BEGUN
from tests.faults.fleet import Fleet

DUPLICATES_AT_MOST = 0.001
# Of fewer jobs a share says little: so many duplicates may always be.
FEW_DUPLICATES = 5
# So many blows in a hundred may by chance have hit a run that two others had hit before.
POISONED_AT_MOST = 0.01
BLOWS_TO_POISON = 3
# For so long what a blow has broken may still end a process that has begun something else meanwhile.
AFTERMATH_SECONDS = 3.0
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
SELECT told.unit, kind, told.value, effect.value AS got, not_before, effect.at, told.failures, job_run.failures AS had,
       (SELECT array_agg(concat_ws(' ', started_at, ended_at, outcome, error_type, error) ORDER BY attempt)
        FROM job_attempt WHERE run_id = job_run.id) AS attempts
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
_POISONED = f"""
SELECT id, {UNIT} AS unit FROM job_run WHERE {OURS} AND state = 'dead' AND interruptions >= {BLOWS_TO_POISON}
"""
_INTERRUPTIONS = """
SELECT run_id, extract(epoch FROM started_at)::float AS begun, extract(epoch FROM ended_at)::float AS ended
FROM job_attempt WHERE outcome = 'interrupted'
"""


# From when to when something was under way, in seconds since 1970.
Span = tuple[float, float]


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

    Work of which a run was `poisoned`, its worker having been killed three times, is left out of account; but of
    `blows` only so many can have hit the same run by chance. `unexplained` ones were not hit three times.
    """

    jobs: int
    lost: int
    double: int
    otherwise: int
    blows: int
    poisoned: int
    unexplained: int
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
        return few and self._is_chance and not (self.lost or self.double or self.otherwise or self.unexplained)

    @property
    def _is_chance(self) -> bool:
        """True when blows can have hit so many runs three times each by chance."""
        at_most = min(max(1, int(self.blows * POISONED_AT_MOST)), self.blows // BLOWS_TO_POISON)
        return self.poisoned <= at_most

    def as_json(self) -> dict[str, object]:
        """Return all of it as JSON values."""
        return asdict(self) | {"duplicate_share": round(self.duplicate_share, 6), "holds": self.holds}


def unfinished(fleet: Fleet) -> int:
    """Return how many of the runs and canvases are not over."""
    open_runs = f"SELECT count(*) FROM job_run WHERE {OURS} AND state IN ('waiting', 'running')"
    open_canvases = "SELECT count(*) FROM job_canvas WHERE finished_at IS NULL"
    (row,) = fleet.rows(f"SELECT ({open_runs}) + ({open_canvases}) AS number")
    return int(row["number"])


def judge(fleet: Fleet, diary: Path, *, blows: Sequence[float] = ()) -> Verdict:
    """Hold all that was told against what is there; `blows` are the times at which something went wrong."""
    poisoned = fleet.rows(_POISONED)
    left_out = {row["unit"] for row in poisoned}
    spans: defaultdict[UUID, list[Span]] = defaultdict(list)
    for row in fleet.rows(_INTERRUPTIONS):
        spans[row["run_id"]].append((row["begun"], row["ended"]))

    def ask(*queries: str) -> list[dict[str, Any]]:
        return [row for query in queries for row in fleet.rows(query) if row["unit"] not in left_out]

    (told,) = fleet.rows("SELECT coalesce(sum(runs), 0)::int AS runs FROM told")
    missing, open_runs = ask(_LOST), ask(_UNFINISHED)
    double, otherwise = ask(_TWICE, _RUNS), ask(_OTHERWISE, _OPEN)
    unexplained = [row for row in poisoned if not is_explained(spans[row["id"]], blows)]
    found = {
        "lost": [*missing, *open_runs],
        "double": double,
        "otherwise": otherwise,
        "unexplained": unexplained,
    }
    wanted = {row["id"]: row["wanted"] for row in fleet.rows(_STARTS)}
    return Verdict(
        jobs=told["runs"],
        lost=max(len(missing), len(open_runs)),
        double=len(double),
        otherwise=len(otherwise),
        blows=len(blows),
        poisoned=len(poisoned),
        unexplained=len(unexplained),
        starts=read(diary.read_text().splitlines(), wanted),
        examples=tuple(f"{name}: {row}" for name, rows in found.items() for row in rows[:5]),
    )


def is_explained(interruptions: Sequence[Span], blows: Sequence[float]) -> bool:
    """True when three times, from when it was begun to when it was given up, an attempt was hit by a blow."""
    hit = [any(begun - AFTERMATH_SECONDS <= blow <= ended for blow in blows) for begun, ended in interruptions]
    return len(hit) >= BLOWS_TO_POISON and all(hit)


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
