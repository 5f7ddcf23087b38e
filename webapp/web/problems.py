"""Errors in their reader's terms: problem documents for programs, pages for people, a stack trace for nobody."""

from __future__ import annotations

from flask import Flask, Response, jsonify, make_response, render_template, request
from flask.globals import request_ctx
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from webapp.core.db import db, passes_by_itself
from webapp.core.errors import DomainError, problem
from webapp.core.words import say
from webapp.web.languages import told

RETRY_SECONDS = "5"

# Stable names for what the web layer itself refuses; other statuses are named after their title.
CODES = {
    400: "bad_request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid",
    429: "rate_limited",
    500: "internal",
    503: "unavailable",
}


def wants_problem() -> bool:
    """True when the request is a program's: everything under /api, health checks, and what no page can be made for.

    No browser sends a `Host` that nothing can be addressed by, and a page is full of addresses.
    """
    return (
        request_ctx.url_adapter is None
        or request.path.startswith("/api/")
        or request.path in {"/healthz", "/readyz", "/metrics"}
    )


def problem_response(
    *, status: int, code: str, title: str, detail: str | None = None, errors: list[dict[str, str]] | None = None
) -> Response:
    """Return a problem document as an `application/problem+json` response."""
    response = jsonify(problem(status=status, code=code, title=title, detail=detail, errors=errors))
    response.status_code = status
    response.content_type = "application/problem+json"
    return response


def init_problems(app: Flask) -> None:
    """Answer every error of `app` in its reader's terms."""
    app.register_error_handler(DomainError, _domain_error)
    app.register_error_handler(CSRFError, _csrf_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(DBAPIError, _database_error)
    app.register_error_handler(PoolTimeout, _database_error)
    app.register_error_handler(RedisError, _redis_error)


def _domain_error(error: DomainError) -> Response:
    if wants_problem():
        response = problem_response(status=error.status, code=error.code, title=told(error), errors=_told_faults(error))
    else:
        response = _page(status=error.status, title=told(error))
    if error.status == 503:
        response.headers["Retry-After"] = RETRY_SECONDS
    return response


def _told_faults(error: DomainError) -> list[dict[str, str]]:
    return [{"field": fault["field"], "message": told(fault["message"])} for fault in error.faults]


def _csrf_error(_error: CSRFError) -> Response:
    title = _("This form has expired. Go back, reload the page and send it again.")
    if wants_problem():
        return problem_response(status=400, code="csrf_failed", title=title)
    return _page(status=400, title=title)


def _http_error(error: HTTPException) -> Response:
    if error.response is not None:
        return make_response(error.response)
    status = error.code or 500
    if status < 400:  # a redirect that routing raised
        return make_response(error.get_response())
    if wants_problem():
        response = problem_response(
            status=status, code=CODES.get(status, "http_error"), title=error.name, detail=told(error.description or "")
        )
    else:
        response = _page(status=status, title=told(_TITLES.get(status, error.name)))
    for name, value in error.get_headers(request.environ):
        if name.lower() not in {"content-type", "content-length"}:
            response.headers[name] = value
    return response


def _database_error(error: DBAPIError | PoolTimeout) -> Response:
    """A database that is away or busy for a moment is a 503 to try again; anything else is our own mistake."""
    if not passes_by_itself(error):
        raise error
    db.session.rollback()
    title = _("Almanac is busy or restarting. Please try again in a few seconds.")
    if wants_problem():
        response = problem_response(status=503, code="unavailable", title=title)
    else:
        response = _page(status=503, title=title)
    response.headers["Retry-After"] = RETRY_SECONDS
    return response


def _redis_error(_error: RedisError) -> Response:
    """Pages that show what Redis holds have nothing to show without it; whatever else needs it goes on by itself."""
    title = _("Redis, which carries the background jobs, cannot be reached. Please try again in a few seconds.")
    if wants_problem():
        response = problem_response(status=503, code="unavailable", title=title)
    else:
        response = _page(status=503, title=title)
    response.headers["Retry-After"] = RETRY_SECONDS
    return response


def _page(*, status: int, title: str) -> Response:
    """Return a page whose heading is the first sentence; what follows is advice, which replaces the general one.

    A database that may be away is asked for nothing, nor is one that is to be spared.
    """
    heading, end, advice = title.partition(". ")
    words = {"title": heading + end.strip(), "advice": advice}
    page = render_template("errors/error.html", status=status, may_ask=status < 500 and status != 429, **words)
    return make_response(page, status)


_TITLES = {
    403: say("You may not see this page."),
    404: say("There is no page at this address."),
    405: say("That cannot be done at this address."),
    413: say("That was too much to send at once."),
    429: say("Too many requests. Please wait a minute and try again."),
    500: say("Something went wrong on our side. It has been noted."),
}
