"""Where programs reach scheduling: a blueprint for each group of endpoints, for anybody or for members' programs."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response

from webapp.core.settings import settings
from webapp.identity.access import current_member
from webapp.web.cors import allow_any_origin
from webapp.web.extensions import csrf, limiter

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]  # a browser's preflight costs nothing


def for_guests(name: str) -> Blueprint:
    """Return a blueprint under /api/v1/public that anybody's programs reach, also from pages of other sites.

    Its answers are never kept: what is free changes by the second, and a manage link's answer is its guest's alone.
    """
    blueprint = Blueprint(name, __name__, url_prefix="/api/v1/public")
    csrf.exempt(blueprint)  # it knows no cookies, so there is no request that another site could forge
    limiter.limit(lambda: settings().rate_limit_public, methods=_METHODS)(blueprint)
    allow_any_origin(blueprint)
    blueprint.after_request(_never_store)
    return blueprint


def for_members(name: str) -> Blueprint:
    """Return a blueprint under /api/v1 for endpoints that ask for a personal token."""
    blueprint = Blueprint(name, __name__, url_prefix="/api/v1")
    csrf.exempt(blueprint)  # likewise
    limiter.limit(lambda: settings().rate_limit_api, methods=_METHODS)(blueprint)
    return blueprint


def _never_store(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


def only_host() -> UUID | None:
    """Members see what they host themselves; None, for everything, when the role manages the organisation."""
    member = current_member()
    return None if member.role.administers else member.user_id
