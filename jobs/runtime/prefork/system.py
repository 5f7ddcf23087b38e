"""What the supervisor asks of the operating system, on Linux and elsewhere."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_MEGABYTE_IN_KILOBYTES = 1024

# Loaded once in the parent: a forked child should not have to.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent, the process `parent`, ends (elsewhere than on Linux the
    child has to look for itself). Ends this process at once when the parent is gone already.
    """
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def own_megabytes(pid: int) -> float:
    """Return the memory that the process has for itself, not counting what it shares with its parent; 0 when it is
    gone. Where the system does not tell the two apart, all that it has in memory counts.
    """
    try:
        return _private_kilobytes(Path(f"/proc/{pid}/smaps_rollup").read_text()) / _MEGABYTE_IN_KILOBYTES
    except ProcessLookupError:
        return 0.0
    except OSError:  # there is no such file here
        return _resident_kilobytes(pid) / _MEGABYTE_IN_KILOBYTES


def _resident_kilobytes(pid: int) -> float:
    asked = subprocess.run(  # noqa: S603  # a fixed program, and a number
        ["/bin/ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return float(asked.stdout.strip() or 0)


def _private_kilobytes(rollup: str) -> int:
    wanted = ("Private_Clean:", "Private_Dirty:", "Private_Hugetlb:", "Swap:")
    return sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith(wanted))
