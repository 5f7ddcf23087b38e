"""Spans by OpenTelemetry's own kit, sent as OTLP over HTTP; imported only where `tracing` is switched on."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from structlog.contextvars import bound_contextvars

from webapp.core.anonymous import anonymous
from webapp.core.tracing import Attributes, Kind

KINDS = {
    Kind.SERVER: SpanKind.SERVER,
    Kind.PRODUCER: SpanKind.PRODUCER,
    Kind.CONSUMER: SpanKind.CONSUMER,
    Kind.CLIENT: SpanKind.CLIENT,
}
# What a process has not sent is lost with it when it is killed.
SEND_MILLISECONDS = 1000
LONGEST_TRACE = 8000
LONGEST_MESSAGE = 1000

_HEADER = "traceparent"
_propagator = TraceContextTextMapPropagator()


class Spans:
    """The spans of one process, with the thread that sends them to the collector at `endpoint`.

    How much is sampled and sent at once, and how the collector is spoken to, is read from the variables that
    OpenTelemetry itself has for it.
    """

    def __init__(self, *, endpoint: str, service: str) -> None:
        # The last spans are sent by `tracing.flush`, which does not wait for long.
        provider = TracerProvider(resource=Resource.create({SERVICE_NAME: service}), shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces")
        self._queue = BatchSpanProcessor(exporter, schedule_delay_millis=SEND_MILLISECONDS)
        provider.add_span_processor(self._queue)
        self._tracer = provider.get_tracer("almanac")

    @contextmanager
    def span(self, name: str, *, kind: Kind, parent: str | None, attributes: Attributes | None) -> Iterator[None]:
        """As `tracing.span`; the id of a trace that begins or comes in here is put on every line of the block."""
        around = None if parent is None else _propagator.extract({_HEADER: parent}, Context())
        with self._tracer.start_as_current_span(
            name,
            context=around,
            kind=KINDS[kind],
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                if parent is None:
                    yield
                else:
                    with bound_contextvars(trace_id=trace.format_trace_id(span.get_span_context().trace_id)):
                        yield
            except Exception as error:
                self.failed(error)
                raise

    @staticmethod
    def describe(name: str | None, *, is_error: bool, attributes: Attributes) -> None:
        """As `tracing.describe`."""
        span = trace.get_current_span()
        if name is not None:
            span.update_name(name)
        if is_error:
            span.set_status(StatusCode.ERROR)
        span.set_attributes(attributes)

    @staticmethod
    def failed(error: BaseException) -> None:
        """As `tracing.failed`."""
        span = trace.get_current_span()
        if not span.is_recording():
            return
        kind, message = type(error).__qualname__, anonymous(str(error))[:LONGEST_MESSAGE]
        stack = anonymous("".join(traceback.format_exception(error)))[-LONGEST_TRACE:]
        span.add_event(
            "exception", {"exception.type": kind, "exception.message": message, "exception.stacktrace": stack}
        )
        span.set_attribute("error.type", kind)
        span.set_status(StatusCode.ERROR, f"{kind}: {message}")

    @staticmethod
    def context() -> str:
        """Return the span under way as a `traceparent`, empty when there is none."""
        carrier: dict[str, str] = {}
        _propagator.inject(carrier)
        return carrier.get(_HEADER, "")

    def flush(self) -> None:
        """Send what there is, for as long as that takes."""
        self._queue.force_flush()
