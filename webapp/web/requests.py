"""What is known of each request: its id, on every line and on the answer; one line and one measurement at its end.

Whoever sends one is a guest, until a page or an endpoint for members has found out which one it is.

A line names the route's pattern and never the address itself, since addresses hold tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from time import perf_counter
from typing import TYPE_CHECKING

from flask import Flask, Response, request
from werkzeug.exceptions import BadRequest

from webapp.core import measures, tracing
from webapp.core.acting import GUEST, acting_as
from webapp.core.db import uuid7
from webapp.core.logs import bind_request, get_logger
from webapp.core.settings import settings
from webapp.core.tracing import Kind
from webapp.core.words import say

if TYPE_CHECKING:
    from _typeshed.wsgi import InputStream, StartResponse, WSGIApplication, WSGIEnvironment

REQUEST_ID_HEADER = "X-Request-ID"

_SANE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# Asked every few seconds by machines, or along with each page: seen with LOG_LEVEL=debug, and when they go wrong.
_QUIET_ROUTES = frozenset({"/healthz", "/readyz", "/metrics", "/static/<path:filename>"})
# Of which there are no spans: the same, by how their addresses begin.
_QUIET_PATHS = ("/healthz", "/readyz", "/metrics", "/static/")
_ID, _STARTED = "almanac.request_id", "almanac.started"

log = get_logger(__name__)


def init_requests(app: Flask) -> None:
    """Give each request of `app` an id, and write a line and a measurement when it is answered."""
    app.wsgi_app = _Identify(app.wsgi_app)  # type: ignore[method-assign]  # Flask's documented way
    app.after_request(_finish)


class _Identify:
    """Keeps the caller's request id when it is a sane one, draws one otherwise, and puts it on every line."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["wsgi.input"] = _Body(environ["wsgi.input"])
        given = environ.get("HTTP_X_REQUEST_ID", "")
        request_id = given if _SANE_ID.fullmatch(given) else uuid7().hex
        environ[_ID], environ[_STARTED] = request_id, perf_counter()
        with bind_request(request_id=request_id), acting_as(GUEST), _span(environ):
            return self._app(environ, start_response)


class _Body:
    """The body of a request: that it cannot be read is the caller's mistake, whatever the server calls it."""

    def __init__(self, stream: InputStream) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes; raises BadRequest for what is no body, and OSError when the caller is gone."""
        try:
            return self._stream.read(size)
        except OSError:
            raise
        except Exception as error:
            raise BadRequest(say("The request ended in the middle, or its body is not as its headers say.")) from error


def _span(environ: WSGIEnvironment) -> AbstractContextManager[None]:
    """Return the span of a request; a trace begun before us is gone on with where a proxy of ours stands in front."""
    if environ.get("PATH_INFO", "").startswith(_QUIET_PATHS):
        return nullcontext()
    method = _method(environ["REQUEST_METHOD"])
    caller = environ.get("HTTP_TRACEPARENT", "") if settings().trusted_proxies else ""
    return tracing.span(
        method, kind=Kind.SERVER, parent=caller or tracing.NOBODY, attributes={"request_id": environ[_ID]}
    )


def _method(given: str) -> str:
    return given if given in _METHODS else "other"


def _finish(response: Response) -> Response:
    seconds = perf_counter() - request.environ[_STARTED]
    route = str(request.url_rule or "unmatched")
    method = _method(request.method)
    status = response.status_code
    response.headers[REQUEST_ID_HEADER] = request.environ[_ID]
    measures.count("http_requests", method=method, route=route, status=str(status))
    measures.observe("http_request_seconds", seconds, method=method, route=route)
    if route not in _QUIET_ROUTES:
        tracing.describe(
            f"{method} {route}",
            is_error=status >= 500,
            attributes={"http.request.method": method, "http.route": route, "http.response.status_code": status},
        )
    write = log.warning if status >= 500 else log.debug if route in _QUIET_ROUTES else log.info
    write("request", method=method, route=route, status=status, ms=round(seconds * 1000, 1))
    return response
