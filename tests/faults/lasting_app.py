"""What the programs load that run lasting jobs: the application, and those."""

from __future__ import annotations

from tests.faults import lasting
from wsgi import app

__all__ = ["app", "lasting"]
