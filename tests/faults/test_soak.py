from __future__ import annotations

import json
import signal
import subprocess
import sys

from devserver import tether
from tests.faults.harness import ROOT
from tests.faults.verdict import Starts, Verdict, is_explained, read

BLOWS = 10


def test_a_short_soak_holds() -> None:
    options = ("--jobs", "800", "--kills", str(BLOWS), "--seconds", "150")
    command = tether.command(sys.executable, "-m", "tests.faults.soak", *options, on_death=signal.SIGKILL)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    came = json.loads(done.stdout.splitlines()[1])
    assert (came["lost"], came["double"], came["otherwise"], came["holds"]) == (0, 0, 0, True)
    assert came["jobs"] >= 800
    assert sum(came["struck"].values()) == came["blows"] == BLOWS


def test_what_was_cut_short_is_told_from_what_was_done_already() -> None:
    diary = [
        *("begun tried-twice", "begun tried-twice", "ended tried-twice"),
        *("begun cut-short", "begun cut-short", "ended cut-short"),
        *("begun done-before", "ended done-before", "begun done-before"),
        *("begun side-by-side", "begun side-by-side", "ended side-by-side", "ended side-by-side"),
    ]
    wanted = {"tried-twice": 2, "cut-short": 1, "done-before": 1, "side-by-side": 1}
    assert read(diary, wanted) == Starts(wanted=5, begun=8, interrupted=1, duplicates=2)


def verdict(**found: int) -> Verdict:
    starts = Starts(wanted=100, begun=100, interrupted=0, duplicates=0)
    values = {"jobs": 100, "lost": 0, "double": 0, "otherwise": 0, "blows": 0, "poisoned": 0, "unexplained": 0}
    return Verdict(**(values | found), starts=starts, examples=())


def test_no_more_is_given_up_than_blows_can_have_hit_by_chance() -> None:
    assert verdict().holds
    assert verdict(blows=1000, poisoned=10).holds
    assert not verdict(blows=1000, poisoned=11).holds
    assert verdict(blows=10, poisoned=1).holds
    assert not verdict(blows=10, poisoned=2).holds
    assert not verdict(blows=2, poisoned=1).holds, "three have to hit it"
    assert not verdict(blows=1000, poisoned=1, unexplained=1).holds


def test_what_is_given_up_was_interrupted_three_times_each_time_by_a_blow() -> None:
    blows = [100.0, 200.0, 300.0]
    spans = [(99.0, 102.0), (195.0, 205.0), (299.0, 301.0)]
    assert is_explained(spans, blows)
    assert not is_explained(spans[:2], blows), "the third time is not recorded"
    assert not is_explained([*spans[:2], (310.0, 320.0)], blows), "nothing had happened then"
