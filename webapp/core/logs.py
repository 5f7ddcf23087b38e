"""Structured logs: one line per fact, as JSON in production and as text in development, with nothing secret in them.

Everything goes to stderr, our own lines and those of the libraries alike. What is bound here (the request, the user,
the job) is on every line that is written underneath. docs/operate.md lists the fields.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast
from uuid import UUID

import structlog
from structlog.contextvars import bind_contextvars, bound_contextvars, get_contextvars, merge_contextvars
from structlog.typing import EventDict, Processor, WrappedLogger

from webapp.core.hidden import HIDDEN, hide
from webapp.core.settings import Settings

_SENSITIVE_NAME = re.compile(r"passw|secret|token|authorization|cookie|api_?key|credential", re.IGNORECASE)
_SENSITIVE_TEXT: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(://[^/\s:@]*:)[^@\s/]+@"), rf"\1{HIDDEN}@"),  # the password of a database, Redis or mail URL
    (re.compile(r"\b(Bearer|Basic) [\w.~+/=-]+", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (re.compile(r"\balm_[\w-]+"), HIDDEN),  # a personal API token
    (re.compile(r"(/manage/|/public/bookings/)[^/\s?\"'<>]+"), rf"\1{HIDDEN}"),  # a guest's link to a booking
    (re.compile(r"([?&](?:token|code|key|secret|password)=)[^&\s\"'<>]+", re.IGNORECASE), rf"\1{HIDDEN}"),
)

# RQ's lines for each job repeat what ours say, and show its arguments.
_QUIET_LIBRARIES = {
    "rq.worker": logging.WARNING,
    "rq.job": logging.WARNING,
    "rq_scheduler": logging.WARNING,
    # A collector that is away is told of once for each batch, not for each try.
    "opentelemetry": logging.ERROR,
    "urllib3": logging.ERROR,
}


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return the logger called `name`: `log.info("mail sent", delivery_id=…)`."""
    return cast("structlog.stdlib.BoundLogger", structlog.get_logger(name))


def configure_logging(settings: Settings) -> None:
    """Send the lines of this process to stderr in the form that `settings` asks for; may be called again."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_CONTEXT,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, _StandardError)]:
        root.removeHandler(handler)
    root.addHandler(_handler(settings))
    root.setLevel(settings.log_level.upper())
    for name, level in _QUIET_LIBRARIES.items():
        logging.getLogger(name).setLevel(logging.DEBUG if settings.log_level == "debug" else level)
    gunicorn = logging.getLogger("gunicorn.error")  # loads us before it says anything, but has its own handler by then
    gunicorn.handlers.clear()
    gunicorn.propagate = True
    logging.captureWarnings(True)
    if settings.log_format == "json":
        sys.excepthook = _log_uncaught


@contextmanager
def bind_job(*, run_id: UUID | str, name: str, attempt: int, trace: str = "") -> Iterator[None]:
    """Put `job_id`, `job` and `attempt` on every line of the block.

    `trace` is the id of the request that caused the job, if one did: it goes on the lines as their `request_id`, so
    that one search finds a request and all that followed from it.
    """
    fields: dict[str, Any] = {"job_id": str(run_id), "job": name, "attempt": attempt}
    if trace:
        fields["request_id"] = trace
    with bound_contextvars(**fields):
        yield


@contextmanager
def bind_request(*, request_id: str) -> Iterator[None]:
    """Put `request_id` on every line of the block, and nothing that was bound before it or in it afterwards."""
    outer = get_contextvars()
    structlog.contextvars.clear_contextvars()
    bind_contextvars(request_id=request_id)
    try:
        yield
    finally:
        structlog.contextvars.clear_contextvars()
        bind_contextvars(**outer)


def bind_user(*, user_id: UUID, organization_id: UUID) -> None:
    """Put `user_id` and `organization_id` on every further line of this request or job."""
    bind_contextvars(user_id=str(user_id), organization_id=str(organization_id))


def current_trace() -> str:
    """Return the id of the request that the current work goes back to, empty when none does."""
    return str(get_contextvars().get("request_id", ""))


def hide_secrets(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """Take secrets out of a line by the name of the field and by the look of the text.

    This is the second line of defence: no code of ours logs a secret in the first place, but messages of libraries
    and stack traces are not ours to word.
    """
    return cast("EventDict", without_secrets(line))


def without_secrets(value: Any) -> Any:
    """Return text, or a list or object of texts, without what looks like a secret or is named like one."""
    match value:
        case str():
            value = hide(value)
            for pattern, replacement in _SENSITIVE_TEXT:
                value = pattern.sub(replacement, value)
            return value
        case dict():
            return {
                key: HIDDEN if item and _SENSITIVE_NAME.search(str(key)) else without_secrets(item)
                for key, item in value.items()
            }
        case list() | tuple():
            return [without_secrets(item) for item in value]
    return value


_CONTEXT: tuple[Processor, ...] = (
    merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
)


class _StandardError(logging.StreamHandler[TextIO]):
    """Writes to what `sys.stderr` is at that moment, which tests and servers replace."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]  # read-only on purpose
        return sys.stderr


def _in_reading_order(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    first = {name: line.pop(name) for name in ("timestamp", "level", "event", "logger") if name in line}
    return {**first, **line}


def _handler(settings: Settings) -> logging.Handler:
    renderer: Processor
    if settings.log_format == "json":
        renderer = structlog.processors.JSONRenderer(ensure_ascii=False)
    else:
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0)
    handler = _StandardError()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_CONTEXT,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,  # the plain trace: local variables hold secrets
                hide_secrets,
                _in_reading_order,
                renderer,
            ],
        )
    )
    return handler


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        get_logger("almanac").critical("the process ends by an error", exc_info=(kind, error, trace))
