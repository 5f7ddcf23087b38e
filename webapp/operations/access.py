"""Who may see the background jobs, and who may change them. They belong to the installation, not to one organisation.

Owners and admins of the organisation that OPERATOR_ORGANIZATION names (of any, when it names none) do both; its
auditors see.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from webapp.core.errors import Forbidden
from webapp.identity.access import current_member, require_member
from webapp.identity.models import Membership
from webapp.operations.service import is_operator

P = ParamSpec("P")
R = TypeVar("R")


def require_overseer() -> Membership:
    """Return the signed-in member who may see the jobs; raises Forbidden for others, sends strangers to sign in."""
    member = require_member()
    if not (member.role.oversees and is_operator(member)):
        raise Forbidden
    return member


def require_operator() -> Membership:
    """Return the signed-in member who may change the jobs; raises Forbidden for others."""
    member = require_overseer()
    if not member.role.administers:
        raise Forbidden
    return member


def operators_only(view: Callable[P, R]) -> Callable[P, R]:
    """Let only those reach `view` who may change the jobs."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        require_operator()
        return view(*args, **kwargs)

    return guarded


def operators_token(endpoint: Callable[P, R]) -> Callable[P, R]:
    """Refuse tokens of organisations that do not run the installation; for beneath `token_required`."""

    @wraps(endpoint)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        if not is_operator(current_member()):
            raise Forbidden
        return endpoint(*args, **kwargs)

    return guarded
