from __future__ import annotations

import json
import signal
import subprocess
import sys

from devserver import tether
from tests.faults.harness import ROOT
from tests.faults.verdict import Starts, read

BLOWS = 10


def test_a_short_soak_holds() -> None:
    options = ("--jobs", "800", "--kills", str(BLOWS), "--seconds", "150")
    command = tether.command(sys.executable, "-m", "tests.faults.soak", *options, on_death=signal.SIGKILL)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    came = json.loads(done.stdout.splitlines()[1])
    assert (came["lost"], came["double"], came["otherwise"], came["holds"]) == (0, 0, 0, True)
    assert came["jobs"] >= 800
    assert sum(came["blows"].values()) == BLOWS


def test_what_was_cut_short_is_told_from_what_was_done_already() -> None:
    diary = [
        *("begun tried-twice", "begun tried-twice", "ended tried-twice"),
        *("begun cut-short", "begun cut-short", "ended cut-short"),
        *("begun done-before", "ended done-before", "begun done-before"),
        *("begun side-by-side", "begun side-by-side", "ended side-by-side", "ended side-by-side"),
    ]
    wanted = {"tried-twice": 2, "cut-short": 1, "done-before": 1, "side-by-side": 1}
    assert read(diary, wanted) == Starts(wanted=5, begun=8, interrupted=1, duplicates=2)
