"""What a worker under test loads: the application, and the jobs with secrets."""

from __future__ import annotations

from tests.jobs import secretive
from wsgi import app

__all__ = ["app", "secretive"]
