"""Functions for a real RQ worker to run."""

from __future__ import annotations

from redis import Redis


def wait_for_word(url: str, key: str) -> str:
    """Run until the test pushes a word to the list `key`."""
    with Redis.from_url(url) as redis:
        answer = redis.blpop([key], timeout=30)
        return answer[1].decode() if answer else "nobody came"


def fail(message: str) -> None:
    """Fail with a message."""
    raise ValueError(message)


def echo(value: str) -> str:
    """Return what was given."""
    return value
