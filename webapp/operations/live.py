"""Following a run live: server-sent events for a minute, for few at once; whoever finds no place asks again and again.

Each stream takes a thread of the web server, hence the bounds. Browsers connect again by themselves when one ends.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from functools import partial, wraps
from threading import Lock
from typing import Any, ClassVar, ParamSpec

from flask import Flask, Response, current_app, request
from redis import RedisError
from sqlalchemy.exc import SQLAlchemyError

from webapp.core.db import transaction
from webapp.core.errors import DomainError
from webapp.core.settings import settings
from webapp.core.words import say

P = ParamSpec("P")

STREAM_SECONDS = 55.0
LOOK_SECONDS = 0.5
# A line now and then tells proxies that all is well, and us when the reader has gone.
COMMENT_SECONDS = 2.0
MIMETYPE = "text/event-stream"
_RETRY = "retry: 1000\n\n"


class TooManyStreams(DomainError):
    """Every place is taken."""

    code: ClassVar[str] = "too_many_streams"
    status: ClassVar[int] = 429
    message: ClassVar[str] = say("Too many pages follow jobs live just now; ask for JSON every two seconds instead.")


class _Places:
    """How many streams this process has open."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._taken = 0
        self.is_closing: Callable[[], bool] = lambda: False

    def take(self) -> bool:
        with self._lock:
            if self._taken >= settings().live_streams:
                return False
            self._taken += 1
            return True

    def leave(self) -> None:
        with self._lock:
            self._taken -= 1


_places = _Places()


def end_when(is_closing: Callable[[], bool]) -> None:
    """Have every stream of this process end once `is_closing` says so: the server waits for the answers it has begun,
    and the readers of streams come again by themselves.
    """
    _places.is_closing = is_closing


def stream(look: Callable[[], dict[str, Any] | None], *, is_over: Callable[[dict[str, Any]], bool]) -> Response:
    """Answer with what `look` sees, as JSON in events of the kind `state`, whenever it has changed.

    It ends with the first one that `is_over`, when `look` sees nothing any more, or after a minute. `look` is called
    in a transaction of its own. Raises TooManyStreams.
    """
    if not _places.take():
        raise TooManyStreams
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # the proxy's own way
    response = Response(_events(partial(_look, app, look), is_over), mimetype=MIMETYPE)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"  # nginx would otherwise keep what it gets until there is more
    response.call_on_close(_places.leave)  # also when the stream was never begun
    return response


def streamed(start: Callable[..., Response]) -> Callable[[Callable[P, Response]], Callable[P, Response]]:
    """Have `start` answer in place of the endpoint whoever asks for server-sent events."""

    def decorate(endpoint: Callable[P, Response]) -> Callable[P, Response]:
        @wraps(endpoint)
        def chosen(*args: P.args, **kwargs: P.kwargs) -> Response:
            wanted = request.accept_mimetypes.best_match(["application/json", MIMETYPE])
            return start(*args, **kwargs) if wanted == MIMETYPE else endpoint(*args, **kwargs)

        return chosen

    return decorate


def _events(look: Callable[[], dict[str, Any] | None], is_over: Callable[[dict[str, Any]], bool]) -> Iterator[str]:
    yield _RETRY
    end = time.monotonic() + STREAM_SECONDS
    shown, said_at = "", time.monotonic()
    while time.monotonic() < end and not _places.is_closing():
        seen = look()
        if seen is None:
            return
        text = json.dumps(seen)
        if text != shown:
            shown, said_at = text, time.monotonic()
            yield f"event: state\ndata: {text}\n\n"
        elif time.monotonic() > said_at + COMMENT_SECONDS:
            said_at = time.monotonic()
            yield ": still here\n\n"
        if is_over(seen):
            return
        time.sleep(LOOK_SECONDS)


def _look(app: Flask, look: Callable[[], dict[str, Any] | None]) -> dict[str, Any] | None:
    """Look, holding no connection to the database afterwards; None also while it is away: the reader comes again."""
    try:
        with app.app_context(), transaction():
            return look()
    except (SQLAlchemyError, RedisError):
        return None
