"""What every process loads: `gunicorn wsgi:app`, `flask --app wsgi …`, `python -m jobs.worker`."""

from __future__ import annotations

from webapp import create_app
from webapp.core.settings import settings_or_exit

settings_or_exit()
app = create_app()
