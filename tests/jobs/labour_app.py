"""What a worker under test loads: the application, and the jobs of the tests."""

from __future__ import annotations

from tests.jobs import labour
from wsgi import app

__all__ = ["app", "labour"]
