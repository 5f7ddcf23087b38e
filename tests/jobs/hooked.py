"""`python -m tests.jobs.hooked MODULE …` runs a program and writes down whatever is read as a pickle.

Babel keeps what it knows of languages as pickles in its own package; these are left out.
"""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path
from typing import Any

NOTES = Path(os.environ["PICKLE_NOTES"])


def note(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "pickle.find_class" and not str(arguments[0]).startswith("babel."):
        with NOTES.open("a") as notes:
            notes.write(f"{event} {arguments}\n")


if __name__ == "__main__":
    sys.addaudithook(note)
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
