"""Which endpoints other sites' pages may call from their visitors' browsers."""

from __future__ import annotations

from flask import Blueprint, Response, request

_PREFLIGHT_SECONDS = "86400"
_SENT = "Content-Type, Idempotency-Key"
_READ = "Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset"


def allow_any_origin(blueprint: Blueprint) -> None:
    """Let pages of any origin call the blueprint's endpoints, without cookies, and read their answers."""

    @blueprint.after_request
    def _allow(response: Response) -> Response:
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Access-Control-Expose-Headers"] = _READ
        if request.method == "OPTIONS":
            response.headers["Access-Control-Allow-Methods"] = response.headers.get("Allow", "GET")
            response.headers["Access-Control-Allow-Headers"] = _SENT
            response.headers["Access-Control-Max-Age"] = _PREFLIGHT_SECONDS
        return response
