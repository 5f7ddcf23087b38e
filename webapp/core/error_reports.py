"""Errors for Sentry: every line of the log that comes with an exception is one.

Off, and nothing of Sentry imported, unless SENTRY_DSN is set. What is told is where it happened and in which job or
request: no local variables, no bodies, no headers, no people. Reports leave by a thread of each process.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from structlog.contextvars import get_contextvars

from webapp.core.settings import Settings, settings

if TYPE_CHECKING:
    from webapp.core.sentry import Reporter

# So long a process that ends waits for its last reports to be taken.
FLUSH_SECONDS = 1.0

# What goes wrong with the sending of reports and spans is in the log alone.
_NOT_REPORTED = ("sentry_sdk", "opentelemetry", "urllib3")


def report_errors(chosen: Settings) -> None:
    """Have this process, and those forked from it, report errors if `chosen` says so; may be called again."""
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, _Reports)]:
        root.removeHandler(handler)
    if chosen.sentry_dsn is not None:
        import webapp.core.sentry  # noqa: F401  # to have it loaded before anything is forked

        root.addHandler(_Reports(level=logging.WARNING))


def flush() -> None:
    """Send what there is, for at most a second; for processes that end. Never raises."""
    if _reporter.cache_info().currsize:
        _reporter().flush(FLUSH_SECONDS)


class _Reports(logging.Handler):
    """Makes a report of each line with an exception, our own and those of libraries."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.split(".", 1)[0] in _NOT_REPORTED:
            return
        # A line of ours is a record of its fields until it is written.
        fields: dict[str, Any] = record.msg if isinstance(record.msg, dict) else {"event": record.getMessage()}
        error = _exception(fields.get("exc_info") or record.exc_info)
        if error is None:
            return
        try:
            _reporter().report(
                error, level=record.levelname.lower(), logger=record.name, fields=get_contextvars() | fields
            )
        except Exception:  # noqa: BLE001  # a report must not add to the trouble
            self.handleError(record)


def _exception(given: Any) -> BaseException | None:
    """Return the exception of what logging takes for `exc_info`."""
    if isinstance(given, tuple):
        given = given[1]
    elif given and not isinstance(given, BaseException):
        given = sys.exc_info()[1]
    return given or None


@lru_cache(maxsize=1)
def _reporter() -> Reporter:
    from webapp.core.sentry import Reporter

    return Reporter(settings())


# A forked child has none of its parent's threads, and sends for itself.
os.register_at_fork(after_in_child=_reporter.cache_clear)
atexit.register(flush)
