"""How work in the background fails: for good, or for now. Services raise these without knowing who retries."""

from __future__ import annotations


class PermanentFailure(Exception):
    """Trying again cannot help; the message says what was wrong and how to put it right."""


class TemporaryFailure(Exception):
    """Trying again later may well work; `retry_after` is how many seconds the other side asked to be left alone."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(TemporaryFailure):
    """Somebody we depend on is down, which is nobody's fault here: a job is put off by `retry_after` at no cost."""

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message, retry_after=retry_after)
        self.retry_after: float = retry_after
