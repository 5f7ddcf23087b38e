"""rq-dashboard at /admin/rq: for administrators, and to look only.

Of the dashboard's own code we keep the pages and what reads queues and jobs. Its door (a new connection for each
request, before any guard), what changes things, and what fails or misleads with our jobs is replaced here; its base
template is ours (templates/rq_dashboard/base.html), which is where its HTML is made safe. Changes are made in our
own console, where they are checked and recorded.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, cast

from flask import Response, current_app, jsonify, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from flask_babel import gettext as _
from redis import Redis
from redis.exceptions import RedisError
from rq.exceptions import NoSuchJobError
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.version import VERSION as RQ_VERSION
from rq_dashboard import web
from rq_dashboard.version import VERSION as DASHBOARD_VERSION
from werkzeug.exceptions import NotFound, ServiceUnavailable

from webapp.core.errors import Forbidden
from webapp.core.logs import without_secrets
from webapp.core.redis import jobs_redis
from webapp.operations import queries
from webapp.operations.access import require_operator
from webapp.web.extensions import talisman

POLL_MILLISECONDS = 5000

# What may be asked for; all else that the dashboard offers, now or after an upgrade, is refused.
_READING = frozenset(
    {
        "queues_overview",
        "jobs_overview",
        "job_view",
        "workers_overview",
        "list_queues",
        "list_jobs",
        "job_info",
        "list_workers",
        "favicon",
        "static",
    }
)
_REGISTRIES = frozenset({"queued", "scheduled", "deferred", "started", "finished", "failed", "canceled"})
_QUEUE_NAME = re.compile(r"[\w.:-]{1,100}")  # the dashboard writes it into its JavaScript as it is
_JOB_ID = re.compile(r"[\w:.-]{1,200}", re.ASCII)
_MOST_ON_A_PAGE = 200

# Its pages have one inline script, which gets a nonce, and templates that it compiles in the browser.
_POLICY = {
    "default-src": "'self'",
    "img-src": "'self' data:",
    "script-src": "'self' 'unsafe-eval'",
    "style-src": "'self'",
    "style-src-attr": "'unsafe-inline'",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}


class ReadingRedis(Redis):
    """A client that cannot change anything, whatever the dashboard or RQ should try."""

    _READS = frozenset(
        {"EXISTS", "HGET", "HGETALL", "LLEN", "LRANGE", "SISMEMBER", "SMEMBERS", "ZCARD", "ZRANGE", "XREVRANGE"}
    )

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Send a reading command; raises PermissionError for any other."""
        if args[0] in self._READS:
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]  # redis-py's own
        if args[0] == "LREM":  # RQ tidies a queue of vanished jobs while it reads it
            return 0
        raise PermissionError(f"the job dashboard only reads, and {args[0]} is not known to be reading")

    def pipeline(self, *_args: Any, **_options: Any) -> Any:
        """Raise PermissionError: reading needs no pipeline here."""
        raise PermissionError("the job dashboard only reads, and does that without pipelines")


def _guard() -> None:
    """Let administrators look, and nobody do anything else."""
    require_operator()
    view = (request.endpoint or "").rpartition(".")[2]
    if request.method not in {"GET", "HEAD"} or view not in _READING:
        raise Forbidden(_("This page only shows jobs; nothing can be changed here."))
    if not _exists(request.view_args or {}):
        raise NotFound


def _exists(wanted: dict[str, Any]) -> bool:
    """Tell whether the instance, queue, registry, page and job of the address can be shown."""
    queue = wanted.get("queue_name")
    return (
        wanted.get("instance_number", 0) == 0
        and wanted.get("registry_name", "queued") in _REGISTRIES
        and wanted.get("order", "asc") in {"asc", "dsc"}
        and _between(wanted.get("page", 1), 1_000_000)
        and _between(wanted.get("per_page", 8), _MOST_ON_A_PAGE)
        and bool(_JOB_ID.fullmatch(wanted.get("job_id", "any")))
        and (queue is None or queue == "default" or _is_queue(queue))
    )


def _between(number: str | int, most: int) -> bool:
    return str(number).isdecimal() and 1 <= int(number) <= most


def _is_queue(name: str) -> bool:
    return bool(_QUEUE_NAME.fullmatch(name)) and queries.is_queue(name, redis=jobs_redis())


def workers_overview(instance_number: int) -> str:
    """Show the page that `list_workers` fills; the dashboard's own tidies RQ's list of workers."""
    return render_template(
        "rq_dashboard/workers.html",
        current_instance=instance_number,
        instance_list=current_app.config["RQ_DASHBOARD_REDIS_URL"],
        rq_url_prefix=url_for("rq_dashboard.queues_overview"),
        rq_dashboard_version=DASHBOARD_VERSION,
        rq_version=RQ_VERSION,
        active_tab="workers",
    )


def list_workers(instance_number: int) -> Response:  # noqa: ARG001  # part of the address
    """Return the live workers; the dashboard's own fails on JSON arguments, and shows them."""
    redis = _connection()
    workers = [
        {
            "name": worker.name,
            "pid": worker.pid,
            "queues": worker.queues,
            "state": worker.state,
            "current_job": _current_job(worker.job_ids, redis),
            "version": worker.rq_version,
            "python_version": worker.python_version,
        }
        for worker in queries.live_workers(redis=jobs_redis())
    ]
    return jsonify(workers=workers)


def _current_job(job_ids: tuple[str, ...], redis: Redis) -> dict[str, Any] | str:
    for job in _jobs(job_ids, redis):
        return {
            "job_id": job.id,
            "description": job.description,
            "call_string": job.func_name,
            "created_at": web.serialize_date(job.created_at),
        }
    return "idle"


def job_info(instance_number: int, job_id: str) -> Response:  # noqa: ARG001  # part of the address
    """Return one job; the dashboard's own fails when it depends on others. Raises NoSuchJobError."""
    redis = _connection()
    job = Job.fetch(job_id, connection=redis, serializer=JSONSerializer)
    result = job.latest_result()
    needed = sorted(job.dependency_ids)
    there = {found.id for found in _jobs(needed, redis)}
    times = ("created_at", "enqueued_at", "started_at", "ended_at")
    return jsonify(
        id=job.id,
        **{name: web.serialize_date(getattr(job, name)) for name in times},
        origin=job.origin,
        status=job.get_status(refresh=False),
        result=result.return_value if result else None,
        exc_info=result.exc_string if result else None,
        description=job.description,
        metadata=current_app.json.dumps(without_secrets(job.meta)),
        depends_on=needed or None,
        depends_on_status=["active" if each in there else "expired" for each in needed],
    )


def _jobs(job_ids: tuple[str, ...] | list[str], redis: Redis) -> list[Job]:
    """Return those of the jobs that are still there."""
    found = []
    for job_id in job_ids:
        try:
            found.append(Job.fetch(job_id, connection=redis, serializer=JSONSerializer))
        except NoSuchJobError:
            continue
    return found


def _connection() -> Redis:
    return cast("Redis", current_app.redis_conn)  # type: ignore[attr-defined]  # where the dashboard keeps it


def _never_store(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


def _hide_secrets(response: Response) -> Response:
    """Take out of all data what looks like a secret: errors and results of jobs that others wrote are among them."""
    if response.is_json:
        response.set_data(current_app.json.dumps(without_secrets(response.get_json())))
    return response


def _set_up(state: BlueprintSetupState) -> None:
    """Give the application what the dashboard looks for in it, and our views in place of those that fail."""
    app = state.app
    app.config.update(
        RQ_DASHBOARD_REDIS_URL=("jobs",),  # only ever shown: the connection is ours, and the address nobody's business
        RQ_DASHBOARD_DISABLE_DELETE=True,
        RQ_DASHBOARD_POLL_INTERVAL=POLL_MILLISECONDS,
    )
    app.redis_conn = ReadingRedis(connection_pool=jobs_redis().connection_pool)  # type: ignore[attr-defined]  # as above
    ours: dict[str, Callable[..., Any]] = {
        "workers_overview": workers_overview,
        "list_workers": list_workers,
        "job_info": job_info,
    }
    for name, view in ours.items():
        app.view_functions[f"rq_dashboard.{name}"] = view


def _answer_with(error: NotFound | ServiceUnavailable) -> Callable[[Exception], Any]:
    return lambda _raised: current_app.handle_http_exception(error)


web.config.serializer = JSONSerializer
blueprint = web.blueprint
blueprint.url_prefix = "/admin/rq"
blueprint.before_request_funcs[None] = [_guard]  # in place of the dashboard's own, which opens a connection each time
blueprint.after_request(_never_store)
blueprint.after_request(_hide_secrets)
blueprint.register_error_handler(NoSuchJobError, _answer_with(NotFound()))
blueprint.register_error_handler(RedisError, _answer_with(ServiceUnavailable()))
blueprint.record(_set_up)
for page in (web.queues_overview, web.jobs_overview, web.job_view, workers_overview):
    talisman(content_security_policy=_POLICY, content_security_policy_nonce_in=["script-src"])(page)
