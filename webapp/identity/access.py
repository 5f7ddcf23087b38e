"""Who is asking: what views and endpoints of every domain use to know their caller and to turn others away.

The browser's signed cookie carries a session's random token and nothing else about the person; each request looks
it up once, so a session that was closed, a person who left and a role that changed count from the next request on.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import NoReturn, ParamSpec, TypeVar
from urllib.parse import quote

from flask import Response, abort, after_this_request, redirect, request
from flask import session as cookie
from werkzeug.exceptions import Unauthorized

from webapp.core.acting import Actor, ActorKind, act_as
from webapp.core.db import transaction
from webapp.core.errors import Forbidden
from webapp.core.logs import bind_user
from webapp.core.settings import settings
from webapp.core.words import say
from webapp.identity import service
from webapp.identity.errors import InsufficientScope
from webapp.identity.models import ApiToken, Membership, Role, Scope
from webapp.web.callers import bearer_token
from webapp.web.extensions import limiter

HOME = "/app"
SIGN_IN = "/sign-in"

_COOKIE_KEY = "token"
# Kept with the request and not in `g`, which outlives a request wherever an application context surrounds it.
_MEMBER = "almanac.member"
_TOKEN = "almanac.api_token"  # noqa: S105  # the name of a slot

_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_ACCOUNT = "identity"  # the blueprint in which people manage their own account

P = ParamSpec("P")
R = TypeVar("R")


# Who it is


def find_member() -> Membership | None:
    """Return the member that this request comes from, or None for a stranger; one query per request at most."""
    if _MEMBER not in request.environ:
        request.environ[_MEMBER] = None  # should the database be away, its error page must not ask again
        token = session_token()
        if token:
            _remember(service.find_session(token=token))
    member: Membership | None = request.environ[_MEMBER]
    return member


def language() -> str:
    """Return the tag of the language that the member of this request has set; empty for strangers, who have none."""
    member = find_member()
    return member.user.locale if member else ""


def current_member() -> Membership:
    """Return the member that this request comes from, by session or by token; turns strangers away (as `signed_in`)."""
    return find_member() or _ask_to_sign_in()


def current_token() -> ApiToken:
    """Return the personal token of this request; raises LookupError outside a `token_required` endpoint."""
    token: ApiToken = request.environ[_TOKEN]
    return token


def current_scopes() -> frozenset[Scope]:
    """Return what this request's token may do, given its holder's present role; raises LookupError without one."""
    return service.effective_scopes(token=current_token(), membership=current_member())


# Pages


def require_member() -> Membership:
    """Return the signed-in member; sends a stranger to the sign-in page. The answer is never kept by a cache.

    Raises Forbidden when an auditor is about to change anything but their own account.
    """
    after_this_request(_never_store)
    member = current_member()
    _act(member)
    if member.role is Role.AUDITOR and request.method not in _READING and request.blueprint != _OWN_ACCOUNT:
        raise Forbidden
    return member


def require_administrator() -> Membership:
    """Return the signed-in member when their role manages the organisation; raises Forbidden when it does not."""
    member = require_member()
    if not member.role.administers:
        raise Forbidden
    return member


def signed_in(view: Callable[P, R]) -> Callable[P, R]:
    """Let only signed-in members reach `view`; others are sent to sign in first and come back afterwards."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        require_member()
        return view(*args, **kwargs)

    return guarded


def administrators_only(view: Callable[P, R]) -> Callable[P, R]:
    """Let only signed-in owners and admins reach `view`; other members are told that their role does not allow it."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        require_administrator()
        return view(*args, **kwargs)

    return guarded


def safe_next(target: str | None) -> str:
    """Return `target` when it is a path of this very site, and the home page otherwise."""
    if not target or not target.startswith("/") or not target.isprintable():
        return HOME
    # A browser reads "//host" and "/\host" as another site's address.
    return HOME if target.startswith("//") or "\\" in target else target


def _ask_to_sign_in() -> NoReturn:
    if request.method != "GET":  # a form cannot be sent again by a link
        abort(redirect(SIGN_IN, 303))
    wanted = request.full_path.rstrip("?")
    abort(redirect(f"{SIGN_IN}?next={quote(wanted, safe='/')}", 303))


def _never_store(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


# The cookie


def session_token() -> str | None:
    """Return the session token that the browser's cookie carries, if any."""
    token = cookie.get(_COOKIE_KEY)
    return token if isinstance(token, str) else None


def keep_session_token(token: str) -> None:
    """Put `token` in a fresh cookie: whatever it held before sign-in is gone, so nothing can be planted in it."""
    cookie.clear()
    cookie[_COOKIE_KEY] = token
    cookie.permanent = True
    request.environ.pop(_MEMBER, None)


def forget_session_token() -> None:
    """Empty the cookie."""
    cookie.clear()
    request.environ.pop(_MEMBER, None)


# Programs


def token_required(*scopes: Scope) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let only programs with a good personal token that has all `scopes` reach the endpoint.

    Answers 401 `unauthenticated` without one and 403 `insufficient_scope` when it falls short, and 429 when the token
    is used more often than RATE_LIMIT_API allows over all endpoints together. A session cookie does not count, so such
    endpoints need no CSRF protection.
    """

    def guard(endpoint: Callable[P, R]) -> Callable[P, R]:
        limited = limiter.shared_limit(_api_limit, scope="api", key_func=_token_used)(endpoint)

        @wraps(endpoint)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            after_this_request(_never_store)
            _require_token(frozenset(scopes))
            return limited(*args, **kwargs)

        return guarded

    return guard


def _require_token(needed: frozenset[Scope]) -> None:
    found = service.find_bearer(secret=_bearer_secret())
    if found is None:
        _challenge(error="invalid_token")
        raise Unauthorized(say("This token is unknown, revoked or expired; create a new one."))
    token, member = found
    request.environ[_TOKEN] = token
    _remember(member)
    _act(member)
    if service.token_use_is_due(token):
        with transaction():
            service.record_token_use(token=token)
    missing = needed - current_scopes()
    if missing:
        _challenge(error="insufficient_scope", scope=" ".join(sorted(needed)))
        raise InsufficientScope(
            say(
                "This token lacks the scope %(missing)s; use one that has it.",
                missing=", ".join(sorted(missing)),
            )
        )


def _act(member: Membership) -> None:
    """What is done from here on is the member's doing. On a guest's page it is the guest's, whoever is signed in."""
    act_as(Actor(ActorKind.MEMBER, member.user_id))


def _remember(member: Membership | None) -> None:
    """Keep who asks for the rest of this request, and put them on its log lines."""
    request.environ[_MEMBER] = member
    if member is not None:
        bind_user(user_id=member.user_id, organization_id=member.organization_id)


def _api_limit() -> str:
    return settings().rate_limit_api


def _token_used() -> str:
    return str(current_token().id)


def _bearer_secret() -> str:
    token = bearer_token()
    if not token:
        _challenge()
        raise Unauthorized(say("Send a personal token, as in 'Authorization: Bearer alm_...'."))
    return token


def _challenge(**parameters: str) -> None:
    """Name in the answer what a program has to bring (RFC 6750)."""
    quoted = ", ".join(f'{name}="{value}"' for name, value in {"realm": "Almanac", **parameters}.items())

    @after_this_request
    def _set(response: Response) -> Response:
        response.headers["WWW-Authenticate"] = f"Bearer {quoted}"
        return response
