"""A real HTTP server on loopback that takes spans (OTLP over HTTP) and errors (Sentry's envelopes), or misbehaves."""

from __future__ import annotations

import gzip
import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")


@dataclass(frozen=True, kw_only=True)
class Span:
    """A span as it arrived; `parent` is empty for a root."""

    name: str
    kind: str
    trace: str
    id: str
    parent: str
    service: str
    attributes: dict[str, Any]
    is_error: bool
    message: str
    events: tuple[dict[str, Any], ...]


class Collector:
    """`spans` and `errors` are what arrived, `bodies` all of it as text.

    No request is answered while `released` is not set.
    """

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.errors: list[dict[str, Any]] = []
        self.bodies: list[str] = []
        self.requests = 0
        self.released = threading.Event()
        self.released.set()
        handler = type("Handler", (_Handler,), {"collector": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._server.server_port}"

    def named(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name == name]

    def span(self, name: str) -> Span:
        """The only span of that name."""
        [found] = self.named(name)
        return found

    def take(self, path: str, body: bytes) -> None:
        if path == "/v1/traces":
            self._take_spans(body)
        elif path == "/api/1/envelope/":
            self._take_errors(body)
        else:
            raise AssertionError(f"nobody sends to {path}")

    def _take_spans(self, body: bytes) -> None:
        message = ExportTraceServiceRequest.FromString(body)
        self.bodies.append(str(message))
        for resource in message.resource_spans:
            service = _values(resource.resource.attributes)["service.name"]
            for scope in resource.scope_spans:
                self.spans += [_span(span, service) for span in scope.spans]

    def _take_errors(self, body: bytes) -> None:
        text = gzip.decompress(body).decode()
        self.bodies.append(text)
        lines = text.splitlines()
        for header, item in zip(lines[1::2], lines[2::2], strict=False):
            if json.loads(header)["type"] == "event":
                self.errors.append(json.loads(item))


class _Handler(BaseHTTPRequestHandler):
    collector: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.collector.requests += 1
        if not self.collector.released.is_set():
            self.collector.released.wait(60)
            return
        self.collector.take(self.path, body)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name in the base class
        pass


def _span(span: Any, service: str) -> Span:
    return Span(
        name=span.name,
        kind=KINDS[span.kind],
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        service=service,
        attributes=_values(span.attributes),
        is_error=span.status.code == 2,
        message=span.status.message,
        events=tuple(_values(event.attributes) | {"name": event.name} for event in span.events),
    )


def _values(attributes: Any) -> dict[str, Any]:
    return {one.key: _value(one.value) for one in attributes}


def _value(value: AnyValue) -> Any:
    return getattr(value, value.WhichOneof("value") or "string_value")
