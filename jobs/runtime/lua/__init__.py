"""What Redis does in one step for us, in its own language: a file for each script, whose head says what goes in."""

from __future__ import annotations

from pathlib import Path


def read_script(name: str) -> str:
    """Return the script called `name`."""
    return (Path(__file__).parent / f"{name}.lua").read_text()
