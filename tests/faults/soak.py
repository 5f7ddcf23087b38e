"""The soak: `python -m tests.faults.soak --jobs 100000 --kills 1000` has that many jobs done while so much goes wrong.

Work of several kinds goes through two hosts with workers and two schedulers, while processes are killed and frozen and
servers restarted, emptied and cut off at random. At the end everything must be done exactly as it was told: nothing
lost, nothing done twice, and less than 0.1 % started once too often. Prints what came of it as one line of JSON and one
for people; exits 1 when it does not hold. It ends by itself, also when work is stuck.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.faults import chores, verdict
from tests.faults.blows import Fate
from tests.faults.fleet import Fleet
from tests.faults.harness import Program
from tests.faults.verdict import Verdict

APP = "tests.faults.chores_app:app"
POLL_SECONDS = 0.02
# So long nothing may happen before work counts as stuck: longer than whatever may have to run out first.
STUCK_SECONDS = 90.0
# The last jobs are left in peace, for there the same one would be hit again and again.
STRUCK_PART = 0.97
# Bytes that a job leaves in the diary: the line that it begins and the line that it ends.
BYTES_A_JOB = 2 * (len(chores.BEGUN) + 1 + 36 + 1)


@dataclass(frozen=True)
class Plan:
    """How much is to be done, how often something goes wrong meanwhile, and after how many seconds it is enough."""

    jobs: int
    kills: int
    seed: int
    seconds: float


class Soak:
    """One soak, on servers of its own in `folder`."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self._plan = plan
        self._diary = folder / "diary"
        folder.mkdir(parents=True, exist_ok=True)
        self._diary.touch()
        self._fleet = Fleet(folder, app=APP, tables=chores.TABLES, **{chores.DIARY: str(self._diary)})
        self._deadline = time.monotonic() + plan.seconds

    def run(self) -> tuple[Verdict, Fate, float]:
        """Do it all; return what came of it, what happened meanwhile, and how many seconds it took."""
        with self._fleet as fleet:
            fleet.man()
            began = time.monotonic()
            producer = self._producer()
            producer.start()
            fate = Fate(fleet, producer, random.Random(self._plan.seed))
            self._strike(fate)
            fate.relent()
            self._wait_for_the_end(fate, producer)
            seconds = time.monotonic() - began
            return verdict.judge(fleet, self._diary, blows=fate.times), fate, seconds

    def _producer(self) -> Program:
        options = ("--jobs", str(self._plan.jobs), "--seed", str(self._plan.seed))
        return self._fleet.program("producer", "tests.faults.producer", *options)

    def _strike(self, fate: Fate) -> None:
        """Have things go wrong, evenly over the work, until that much of it is done or nothing happens any more."""
        pace = STRUCK_PART * self._plan.jobs / max(self._plan.kills, 1)
        while (struck := fate.struck.total()) < self._plan.kills:
            if not self._wait_for(partial(self._is_done, struck * pace), fate):
                return
            fate.strike()

    def _wait_for_the_end(self, fate: Fate, producer: Program) -> None:
        self._wait_for(lambda: producer.has_ended and not verdict.unfinished(self._fleet), fate)

    def _wait_for(self, condition: Callable[[], bool], fate: Fate) -> bool:
        """Return True once the condition holds; False when the time is up or when nothing happens any more."""
        done, changed_at = self._done(), time.monotonic()
        while not condition():
            fate.tend()
            time.sleep(POLL_SECONDS)
            if self._done() != done:
                done, changed_at = self._done(), time.monotonic()
            if time.monotonic() > min(self._deadline, changed_at + STUCK_SECONDS):
                return False
        return True

    def _is_done(self, jobs: float) -> bool:
        return self._done() >= jobs

    def _done(self) -> float:
        """How many jobs are done by the diary's length, not counting those that have to be done again."""
        return self._diary.stat().st_size / BYTES_A_JOB


def main(arguments: list[str] | None = None) -> int:
    """Soak and print what came of it; return 1 unless it holds."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("--jobs", type=int, default=100_000, help="how many jobs to have done")
    parser.add_argument("--kills", type=int, default=1000, help="how often something goes wrong meanwhile")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="draw what this number drew before")
    parser.add_argument("--seconds", type=float, default=7200, help="after how long it is enough")
    parser.add_argument("--keep", type=Path, help="a new folder for the servers and all that is written, to be kept")
    chosen = parser.parse_args(arguments)
    plan = Plan(jobs=chosen.jobs, kills=chosen.kills, seed=chosen.seed, seconds=chosen.seconds)
    _say(f"{plan.jobs} jobs, {plan.kills} blows, drawn by --seed {plan.seed}")
    with nullcontext(chosen.keep) if chosen.keep else tempfile.TemporaryDirectory() as folder:
        came, fate, seconds = Soak(plan, Path(folder)).run()
    _say(json.dumps({"seed": plan.seed, "seconds": round(seconds, 1), **came.as_json(), "struck": dict(fate.struck)}))
    _say(_sentence(came, seconds))
    return 0 if came.holds else 1


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201  # this is a command, and that is what it is for


def _sentence(came: Verdict, seconds: float) -> str:
    starts = came.starts
    return (
        f"{'Holds' if came.holds else 'DOES NOT HOLD'}: "
        f"of {came.jobs} jobs {came.lost} lost, {came.double} done twice, "
        f"{came.otherwise} done otherwise; {starts.duplicates} started once too often ({came.duplicate_share:.3%}), "
        f"{starts.interrupted} interrupted and started again, {came.poisoned} given up after three "
        f"blows, under {came.blows} blows in {seconds:.0f} s."
    )


if __name__ == "__main__":
    sys.exit(main())
