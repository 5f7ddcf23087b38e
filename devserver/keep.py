"""Keep one part running: `python -m devserver.keep NAME` starts it again when it dies.

What to run comes in the environment, so that whoever looks for the part by its command line finds the part alone.

In production systemd or the platform does this. A part that keeps dying young is given up with its own exit code, so
that everything stops and its last words can be read.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from types import FrameType

from devserver import tether

# Names the part's own command line, for a shell.
COMMAND = "ALMANAC_PART"
# A part that lives shorter than this has died young; after so many in a row it is given up.
YOUNG_SECONDS = 5.0
MOST_YOUNG_DEATHS = 3
PAUSE_SECONDS = 0.5


class Keeper:
    """Runs `command` again and again, until it is told to stop, ends by itself in order, or keeps dying young."""

    def __init__(self, name: str, command: str) -> None:
        self._name = name
        self._command = command
        self._part: subprocess.Popen[bytes] | None = None
        self._stopping = False

    def run(self) -> int:
        """Return the exit code of the part's last life."""
        signal.signal(signal.SIGTERM, self._stop)
        young_deaths = 0
        while True:
            code, seconds = self._live()
            young_deaths = young_deaths + 1 if seconds < YOUNG_SECONDS else 0
            if self._stopping or code == 0 or young_deaths >= MOST_YOUNG_DEATHS:
                return code
            how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
            print(f"{self._name} {how} and is started again", flush=True)  # noqa: T201  a program's own output
            time.sleep(PAUSE_SECONDS)  # nothing to wait for: it keeps a part that cannot start from spinning

    def _live(self) -> tuple[int, float]:
        began = time.monotonic()
        self._part = subprocess.Popen(tether.command("/bin/sh", "-c", f"exec {self._command}"))  # noqa: S603  the Procfile's own line
        if self._stopping:
            self._part.terminate()
        return self._part.wait(), time.monotonic() - began

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        self._stopping = True
        if self._part is not None:
            with suppress(ProcessLookupError):
                os.kill(self._part.pid, signal.SIGTERM)


def main() -> None:
    """Keep the part named on the command line running; exit as it did, 128 and more for a signal, as a shell would."""
    code = Keeper(sys.argv[1], os.environ.pop(COMMAND)).run()
    sys.exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main()
