"""What machines ask: are you alive, are you ready, how are you doing."""

from __future__ import annotations

from hmac import compare_digest

from flask import Blueprint, Response, jsonify
from flask_babel import gettext as _
from prometheus_client import CONTENT_TYPE_LATEST
from redis.exceptions import RedisError

from webapp.core.db import db
from webapp.core.logs import get_logger
from webapp.core.redis import jobs_redis
from webapp.core.settings import settings
from webapp.operations import metrics
from webapp.operations.health import check_health
from webapp.web.callers import bearer_token
from webapp.web.extensions import limiter
from webapp.web.problems import problem_response

blueprint = Blueprint("operations", __name__)
limiter.exempt(blueprint)

log = get_logger(__name__)


@blueprint.after_request
def _never_store(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/healthz")
def healthz() -> Response:
    """Say that this process answers; nothing else is touched, so that no other part's trouble restarts it."""
    return jsonify(status="alive")


@blueprint.get("/readyz")
def readyz() -> Response:
    """Say whether all that Almanac needs is there; 503 with the names of what is `missing` otherwise."""
    health = check_health(engine=db.engine, redis=jobs_redis())
    if not health.missing:
        return jsonify(status="ready", checks=health.checks)
    log.warning("not ready", missing=health.missing)
    response = jsonify(status="unavailable", missing=health.missing, checks=health.checks)
    response.status_code = 503
    return response


@blueprint.get("/metrics")
def prometheus() -> Response:
    """Answer a scrape; METRICS_TOKEN is asked for, and only development does without one."""
    refusal = _refuse_stranger()
    if refusal:
        return refusal
    try:
        return Response(metrics.exposition(redis=jobs_redis()), content_type=CONTENT_TYPE_LATEST)
    except RedisError:
        return problem_response(
            status=503, code="unavailable", title=_("Redis, which holds the metrics, cannot be reached.")
        )


def _refuse_stranger() -> Response | None:
    token = settings().metrics_token
    if token is None:
        if settings().is_development:
            return None
        title = _("Set METRICS_TOKEN and send it as a bearer token to read the metrics.")
        return problem_response(status=403, code="forbidden", title=title)
    if compare_digest(bearer_token().encode(), token.get_secret_value().encode()):
        return None
    title = _("Send the METRICS_TOKEN of this installation as a bearer token.")
    refused = problem_response(status=401, code="unauthenticated", title=title)
    refused.headers["WWW-Authenticate"] = 'Bearer realm="metrics"'
    return refused
