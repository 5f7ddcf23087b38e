"""What the scheduler loads that is to know jobs with limits."""

from __future__ import annotations

from tests.jobs import limited
from wsgi import app

__all__ = ["app", "limited"]
