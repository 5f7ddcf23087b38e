"""What every process loads: `gunicorn wsgi:app`, `flask --app wsgi …`, `python -m jobs.worker`."""

from __future__ import annotations

import sys

from webapp import create_app
from webapp.core.settings import SettingsError

try:
    app = create_app()
except SettingsError as error:
    print(f"Almanac cannot start: {error}", file=sys.stderr)  # noqa: T201  # there is no logger yet
    sys.exit(2)
