"""What the programs of the soak load: the application, and its jobs."""

from __future__ import annotations

from tests.faults import chores
from wsgi import app

__all__ = ["app", "chores"]
