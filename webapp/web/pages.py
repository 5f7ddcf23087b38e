"""What every template can use: dates and zones in words, static files by content."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, current_app, request

from webapp.web import times

blueprint = Blueprint("pages", __name__)

_A_YEAR = "public, max-age=31536000, immutable"

for _function in (
    times.clock_time,
    times.minute_time,
    times.minutes_range,
    times.day_text,
    times.time_range,
    times.duration_text,
    times.durations_text,
    times.zone_text,
    times.offset_text,
    times.zone_choices,
):
    blueprint.add_app_template_global(_function)


@blueprint.app_url_defaults
def _version_static_files(endpoint: str, values: dict[str, Any]) -> None:
    """Name static files by their content, so that browsers may keep them for good and still see every change."""
    if endpoint == "static" and "v" not in values and current_app.static_folder:
        path = Path(current_app.static_folder) / values.get("filename", "")
        if path.is_file():
            values["v"] = _version(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=256)
def _version(path: Path, _changed: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


@blueprint.after_app_request
def _keep_static_files(response: Response) -> Response:
    if request.endpoint == "static" and request.args.get("v") and response.status_code == 200:
        response.headers["Cache-Control"] = _A_YEAR
    return response
