"""Spans, from a request to the jobs that it causes, for an OpenTelemetry collector.

Off, and nothing of OpenTelemetry imported, unless OTEL_EXPORTER_OTLP_ENDPOINT is set. Spans leave by a thread of each
process, so that nobody waits for the collector, and what it does not take in time is thrown away.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from enum import StrEnum
from functools import lru_cache
from threading import Thread
from typing import TYPE_CHECKING

from webapp.core.logs import current_trace
from webapp.core.settings import Settings, SettingsError, settings

if TYPE_CHECKING:
    from webapp.core.otlp import Spans

# So long a process that ends waits for its last spans to be taken.
FLUSH_SECONDS = 1.0

# What a root is the child of, in place of the span that is under way.
NOBODY = ""

Attributes = Mapping[str, str | int | float | bool]


class Kind(StrEnum):
    """Which part a span plays: answering a caller, enqueueing, running what was enqueued, calling somebody."""

    SERVER = "server"
    PRODUCER = "producer"
    CONSUMER = "consumer"
    CLIENT = "client"


_NOTHING = nullcontext()


def prepare(chosen: Settings) -> None:
    """Import what is switched on, so that processes which are forked from this one share it."""
    if chosen.otel_exporter_otlp_endpoint is not None:
        import webapp.core.otlp  # noqa: F401  # to have it loaded


def span(
    name: str, *, kind: Kind, parent: str | None = None, attributes: Attributes | None = None
) -> AbstractContextManager[None]:
    """Have the block be a span, which fails with what the block raises.

    It is a child of the span under way, or of `parent` (a `traceparent` of W3C Trace Context; NOBODY for a root).
    """
    spans = _spans()
    return spans.span(name, kind=kind, parent=parent, attributes=attributes) if spans else _NOTHING


def describe(name: str | None = None, /, *, is_error: bool = False, attributes: Attributes) -> None:
    """Say of the span under way what is known only now."""
    spans = _spans()
    if spans:
        spans.describe(name, is_error=is_error, attributes=attributes)


def failed(error: BaseException) -> None:
    """Say that the span under way has failed by `error`, of which no secret and no address of people is told."""
    spans = _spans()
    if spans:
        spans.failed(error)


def carried() -> str:
    """Return what a job is to bear: the id of the request it goes back to, and the span that it follows from."""
    spans = _spans()
    context = spans.context() if spans else ""
    return f"{current_trace()} {context}" if context else current_trace()


def origin(trace: str) -> tuple[str, str]:
    """Return the two parts of what `carried` has returned, either of which may be empty."""
    request_id, _, context = trace.partition(" ")
    return request_id, context


def flush() -> None:
    """Send what there is, for at most a second; for processes that end. Never raises."""
    if _spans.cache_info().currsize and (spans := _spans()):
        sending = Thread(target=spans.flush, name="last spans", daemon=True)
        with suppress(RuntimeError):  # there is no room for a thread any more
            sending.start()
            sending.join(FLUSH_SECONDS)


@lru_cache(maxsize=1)
def _spans() -> Spans | None:
    """Return this process's spans; None when they are switched off."""
    try:
        chosen = settings()
    except SettingsError:  # who says so is whoever needs the settings
        return None
    if chosen.otel_exporter_otlp_endpoint is None:
        return None
    from webapp.core.otlp import Spans

    return Spans(endpoint=chosen.otel_exporter_otlp_endpoint, service=chosen.otel_service_name)


# A forked child has none of its parent's threads, and sends for itself.
os.register_at_fork(after_in_child=_spans.cache_clear)
atexit.register(flush)
