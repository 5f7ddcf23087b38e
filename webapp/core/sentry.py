"""Reports by Sentry's own kit; imported only where `error_reports` is switched on."""

from __future__ import annotations

from typing import Any, cast

from sentry_sdk import Client
from sentry_sdk.utils import event_from_exception

from webapp.core.anonymous import anonymous
from webapp.core.settings import Settings

# The fields of a line that reports can be searched by.
TAGS = ("job", "job_id", "attempt", "request_id", "method", "route", "trace_id")


class Reporter:
    """A client of its own, beside which nothing of the process is changed: no hooks, no integrations."""

    def __init__(self, settings: Settings) -> None:
        dsn = settings.sentry_dsn.get_secret_value() if settings.sentry_dsn else None
        self._client = Client(
            dsn=dsn,
            environment=settings.environment.value,
            release=settings.sentry_release or "",  # it would ask git for one
            default_integrations=False,
            auto_enabling_integrations=False,
            include_local_variables=False,
            max_request_body_size="never",
            max_breadcrumbs=0,
            auto_session_tracking=False,
            send_client_reports=False,
            enable_backpressure_handling=False,  # a thread that is for sampling
        )

    def report(self, error: BaseException, *, level: str, logger: str, fields: dict[str, Any]) -> None:
        """Have the error sent, with those of the line's `fields` that say where it happened; does not wait."""
        event, hint = event_from_exception(
            error, client_options=self._client.options, mechanism={"type": "logging", "handled": True}
        )
        for raised in event["exception"]["values"]:
            raised["value"] = anonymous(str(raised["value"]))
        tags = {name: str(fields[name]) for name in TAGS if fields.get(name)}
        event |= {
            "level": cast("Any", level),
            "logger": logger,
            "logentry": {"message": anonymous(str(fields.get("event", "")))},
            "tags": tags,
            "transaction": tags.get("job") or tags.get("route", ""),
        }
        self._client.capture_event(event, hint)

    def flush(self, seconds: float) -> None:
        """Wait until all is sent, for so long at most."""
        self._client.flush(timeout=seconds)
