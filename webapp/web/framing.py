"""Which pages other sites may show in a frame. By default none; a view that allows it says to whom.

`init_framing` comes before the extension that writes the security policy: hooks run in reverse, so ours sees its work.
"""

from __future__ import annotations

from collections.abc import Sequence

from flask import Flask, Response, request

ANYBODY = ("*",)

_KEY = "almanac.framed_by"
_NOBODY = "frame-ancestors 'none'"


def init_framing(app: Flask) -> None:
    """Open the security policy of `app` for answers that ask for it."""
    app.after_request(_open)


def allow_framing(origins: Sequence[str]) -> None:
    """Let pages of these origins show this request's answer in a frame; our own may, too."""
    request.environ[_KEY] = tuple(origins)


def _open(response: Response) -> Response:
    origins = request.environ.get(_KEY)
    policy = response.headers.get("Content-Security-Policy", "")
    if origins and _NOBODY in policy:
        allowed = " ".join(("'self'", *origins))
        response.headers["Content-Security-Policy"] = policy.replace(_NOBODY, f"frame-ancestors {allowed}")
        response.headers.pop("X-Frame-Options", None)
    return response
