"""Logging as the web application needs it; what every process shares is in `webapp.core.logs`."""

from __future__ import annotations

from types import TracebackType

from flask import Flask, request

from webapp.core import tracing
from webapp.core.error_reports import report_errors
from webapp.core.logs import configure_logging, get_logger
from webapp.core.settings import Settings
from webapp.web.requests import init_requests

log = get_logger(__name__)

ErrorInfo = tuple[type, BaseException, TracebackType] | tuple[None, None, None]


def init_logs(app: Flask, chosen: Settings) -> None:
    """Log as `chosen` says, and every request of `app`; comes first, so that it sees what the others do."""
    configure_logging(chosen)
    report_errors(chosen)
    tracing.prepare(chosen)
    init_requests(app)
    app.log_exception = _log_exception  # type: ignore[method-assign]  # Flask's own line holds the address


def _log_exception(exc_info: ErrorInfo) -> None:
    if exc_info[1] is not None:
        tracing.failed(exc_info[1])
    log.error("request failed", method=request.method, route=str(request.url_rule), exc_info=exc_info)
