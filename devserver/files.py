"""Files that processes meet at: a lock that one of them has, a secret that only their owner reads."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO


def take_lock(file: IO[bytes]) -> bool:
    """Take the lock of an open file unless another has it; True when it is ours."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, from its first moment on: the whole of it or nothing."""
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.touch(mode=0o600)
    unfinished.write_text(text)
    unfinished.replace(path)
