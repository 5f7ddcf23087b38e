"""What the form's script asks for while a guest fills it in: keep the time, and let it go. Without the script, nothing
is held and the form books all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from flask import Blueprint, Response, jsonify, request, session
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest

from webapp.core import clock
from webapp.core.crypto import new_token
from webapp.core.db import transaction
from webapp.core.settings import settings
from webapp.scheduling import queries
from webapp.scheduling.models import EventType, Hold
from webapp.scheduling.service.holds import hold_time, let_go
from webapp.scheduling.service.links import require_usable
from webapp.scheduling.views.given_link import open_event_type
from webapp.scheduling.views.picker import read_start, read_wish, unusual_duration
from webapp.web.callers import caller
from webapp.web.extensions import limiter

blueprint = Blueprint("holds", __name__, url_prefix="/book/<organization>/<event_type>/hold")
limiter.limit(lambda: settings().rate_limit_public)(blueprint)

_COOKIE_KEY = "holds"
_REMEMBERED = 5
_SHORTEST_TOKEN, _LONGEST_TOKEN = 32, 64


@blueprint.after_request
def _never_store(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.post("")
@limiter.limit(lambda: settings().rate_limit_holds)
def take(organization: str, event_type: str) -> ResponseReturnValue:
    """Keep the time that the form is about, in place of what this browser had on it; for the script alone."""
    offered, link = open_event_type(organization, event_type)
    require_usable(link)
    start, token = read_start(request.form.get("start", "")), _token(request.form)
    if start is None or len(token) < _SHORTEST_TOKEN:
        raise BadRequest
    with transaction():
        hold = hold_time(
            event_type=offered,
            start=start,
            duration=unusual_duration(offered, read_wish(request.form)),
            token=token,
            holder=caller(),
            instead_of=own_hold(offered, start, request.form),
        )
    _remember(token)
    return jsonify(seconds=(hold.expires_at - clock.now()).total_seconds()), 201


@blueprint.post("/leave")
def leave(organization: str, event_type: str) -> ResponseReturnValue:
    """Let go what was held, for the guest has left the form."""
    open_event_type(organization, event_type)
    with transaction():
        let_go(token=_token(request.form))
    return "", 204


def own_hold(event_type: EventType, start: datetime, sent: Mapping[str, str]) -> Hold | None:
    """Return what this guest holds of a start, by the form's field or, when a page is opened again, the cookie."""
    tokens = [_token(sent), *session.get(_COOKIE_KEY, [])]
    return queries.find_hold(event_type_id=event_type.id, start=start, tokens=filter(None, tokens))


def form_token(sent: Mapping[str, str]) -> str:
    """Return the token under which a form holds its time: the one it was sent with, or a fresh one.

    The form knows it before anything is held, so that whoever is quicker than the script still books their own time.
    """
    return _token(sent) or new_token()


def _token(sent: Mapping[str, str]) -> str:
    return sent.get("hold", "")[:_LONGEST_TOKEN]


def _remember(token: str) -> None:
    """Keep the token with the browser, so that a form which is loaded anew does not find its own time taken."""
    others = (other for other in session.get(_COOKIE_KEY, []) if other != token)
    session[_COOKIE_KEY] = [*others, token][-_REMEMBERED:]
