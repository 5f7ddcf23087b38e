"""Almanac's web application. `create_app` is the only place that lists blueprints."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from flask import Flask
from werkzeug.utils import import_string

from webapp.core.redis import cache_redis
from webapp.core.resting import check_rested, note_rest
from webapp.core.settings import Settings, settings
from webapp.web.extensions import init_extensions
from webapp.web.languages import init_languages
from webapp.web.limits import OneExchange
from webapp.web.logs import init_logs
from webapp.web.problems import init_problems

ROOT = Path(__file__).resolve().parent.parent

# By name, imported when the application is made: views know jobs, and jobs know services of this very package.
BLUEPRINTS: tuple[str, ...] = (
    "webapp.operations.views.machines:blueprint",
    "webapp.operations.dashboard:blueprint",
    "webapp.web.openapi:blueprint",
    "webapp.scheduling.api.guests:blueprint",
    "webapp.scheduling.api.holds:blueprint",
    "webapp.scheduling.api.waitlist:blueprint",
    "webapp.scheduling.api.waitlist:members_blueprint",
    "webapp.scheduling.api.bookings:blueprint",
    "webapp.scheduling.api.attendance:blueprint",
    "webapp.scheduling.api.attendees:blueprint",
    "webapp.scheduling.api.notes:blueprint",
    "webapp.scheduling.api.links:blueprint",
    "webapp.scheduling.api.export:blueprint",
    "webapp.scheduling.api.approval:blueprint",
    "webapp.scheduling.api.host_bookings:blueprint",
    "webapp.scheduling.api.history:blueprint",
    "webapp.scheduling.api.event_types:blueprint",
    "webapp.scheduling.api.event_links:blueprint",
    "webapp.scheduling.api.website:blueprint",
    "webapp.scheduling.api.schedules:blueprint",
    "webapp.scheduling.api.blocks:blueprint",
    "webapp.scheduling.api.out_of_office:blueprint",
    "webapp.scheduling.api.misfits:blueprint",
    "webapp.scheduling.api.team_week:blueprint",
    "webapp.web.pages:blueprint",
    "webapp.identity.views:blueprint",
    "webapp.identity.api:blueprint",
    "webapp.scheduling.views.guest:blueprint",
    "webapp.scheduling.views.embed:blueprint",
    "webapp.scheduling.views.website:blueprint",
    "webapp.scheduling.views.holds:blueprint",
    "webapp.scheduling.views.waitlist:blueprint",
    "webapp.scheduling.views.manage:blueprint",
    "webapp.scheduling.views.host:blueprint",
    "webapp.scheduling.views.attendees:blueprint",
    "webapp.scheduling.views.attendance:blueprint",
    "webapp.scheduling.views.notes:blueprint",
    "webapp.scheduling.views.links:blueprint",
    "webapp.scheduling.views.export:blueprint",
    "webapp.scheduling.views.approval:blueprint",
    "webapp.scheduling.views.host_move:blueprint",
    "webapp.scheduling.views.host_book:blueprint",
    "webapp.scheduling.views.calendar:blueprint",
    "webapp.scheduling.views.host_waitlist:blueprint",
    "webapp.scheduling.views.event_types:blueprint",
    "webapp.scheduling.views.event_links:blueprint",
    "webapp.scheduling.views.availability:blueprint",
    "webapp.scheduling.views.schedules:blueprint",
    "webapp.scheduling.views.blocks:blueprint",
    "webapp.scheduling.views.out_of_office:blueprint",
    "webapp.scheduling.views.misfits:blueprint",
    "webapp.scheduling.views.team_week:blueprint",
    "webapp.scheduling.views.reports:blueprint",
    "webapp.operations.dev_mail:blueprint",
    "webapp.operations.api:blueprint",
    "webapp.operations.views.overview:blueprint",
    "webapp.operations.views.runs:blueprint",
    "webapp.operations.views.unrecorded:blueprint",
    "webapp.operations.views.schedules:blueprint",
    "webapp.operations.views.dead_letters:blueprint",
    "webapp.operations.views.alerts:blueprint",
)
COMMANDS: tuple[str, ...] = ("webapp.cli:prepare", "webapp.identity.cli:users", "jobs.cli:jobs")


def create_app() -> Flask:
    """Return the application, configured from the environment; raises SettingsError when that makes no sense."""
    chosen = settings()
    app = Flask(__name__, template_folder=str(ROOT / "templates"), static_folder="static")
    _configure(app, chosen)
    init_logs(app, chosen)
    init_extensions(app, chosen)
    init_languages(app, of_member=import_string("webapp.identity.access:language"))
    init_problems(app)
    import_string("jobs.runtime.registry:load_jobs")()
    for name in BLUEPRINTS:
        app.register_blueprint(import_string(name))
    for name in COMMANDS:
        app.cli.add_command(import_string(name))
    return app


def _session_options(chosen: Settings) -> str:
    """What each database session begins with. A frozen worker's locks go soon after its runs went elsewhere."""
    idle = int((chosen.lease_seconds + 3) * 1000)
    return f"-c timezone=UTC -c lock_timeout=10s -c idle_in_transaction_session_timeout={idle}"


def _configure(app: Flask, chosen: Settings) -> None:
    app.config.update(
        SECRET_KEY=chosen.secret_key.get_secret_value(),
        SQLALCHEMY_DATABASE_URI=chosen.database_url,
        SQLALCHEMY_ENGINE_OPTIONS={
            "pool_size": chosen.database_pool_size,
            "max_overflow": chosen.database_pool_size,
            "pool_timeout": 10,
            "pool_events": [(note_rest, "checkin"), (check_rested, "checkout")],
            "hide_parameters": True,  # errors are logged, and parameters are people's data
            "connect_args": {
                "connect_timeout": 5,
                "application_name": "almanac",
                "options": _session_options(chosen),
            },
        },
        MAX_CONTENT_LENGTH=chosen.max_body_kilobytes * 1024,
        PERMANENT_SESSION_LIFETIME=timedelta(days=chosen.session_days),
        SESSION_COOKIE_NAME=chosen.session_cookie,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_TIME_LIMIT=None,  # a form left open over lunch still works; the session bounds it
        # Says what kind it is; where it is, the connections know.
        RATELIMIT_STORAGE_URI=f"{OneExchange.STORAGE_SCHEME[0]}://",
        RATELIMIT_STORAGE_OPTIONS={"connection_pool": cache_redis().connection_pool},  # which gives up soon
        RATELIMIT_HEADERS_ENABLED=True,
        RATELIMIT_SWALLOW_ERRORS=True,
        TEMPLATES_AUTO_RELOAD=chosen.is_development,
    )
