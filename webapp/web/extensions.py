"""The Flask extensions, made once and bound to the application in `create_app`."""

from __future__ import annotations

from flask import Flask, Response
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_migrate import Migrate
from flask_talisman import Talisman
from flask_wtf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from webapp.core.db import db
from webapp.core.settings import Settings
from webapp.web.framing import init_framing

migrate = Migrate()
csrf = CSRFProtect()
limiter = Limiter(key_func=get_remote_address, headers_enabled=True, in_memory_fallback_enabled=True)
talisman = Talisman()


def init_extensions(app: Flask, settings: Settings) -> None:
    """Bind every extension to `app`, configured from `settings`."""
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]  # Flask's documented way
    db.init_app(app)
    migrate.init_app(app, db, compare_type=True)
    csrf.init_app(app)
    app.after_request(_wait_only_when_refused)  # before the limiter, whose own hook then runs first
    limiter.init_app(app)
    init_framing(app)
    _init_talisman(app, settings)


def _wait_only_when_refused(response: Response) -> Response:
    """Take out the Retry-After that the limiter puts on every answer; one that was granted needs no waiting."""
    if response.status_code < 400:
        response.headers.pop("Retry-After", None)
    return response


def _init_talisman(app: Flask, settings: Settings) -> None:
    https = settings.public_url.startswith("https://")
    talisman.init_app(
        app,
        force_https=False,  # the proxy in front decides; behind it every request looks like plain HTTP
        strict_transport_security=https,
        session_cookie_secure=https,
        content_security_policy={
            "default-src": "'self'",
            "img-src": "'self' data:",
            "style-src": "'self'",
            "script-src": "'self'",
            "object-src": "'none'",
            "base-uri": "'self'",
            "form-action": "'self'",
            "frame-ancestors": "'none'",
        },
        frame_options="DENY",
        referrer_policy="same-origin",
    )
