"""The system looking after itself."""

from __future__ import annotations

from typing import Any

from jobs.runtime import job
from webapp.core.db import db
from webapp.core.logs import get_logger
from webapp.core.redis import jobs_redis
from webapp.operations.health import check_health

log = get_logger(__name__)


@job(queue="maintenance", lane="high", retry="never", soft_time_limit=30, time_limit=60)
def check_system_health() -> dict[str, Any]:
    """Ask the database, Redis, the workers and the scheduler how they are; log what is missing."""
    health = check_health(engine=db.engine, redis=jobs_redis())
    if health.missing:
        log.error("the system is not well", **{name: health.checks[name] for name in health.missing})
    return {"checks": dict(health.checks)}
