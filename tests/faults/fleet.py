"""Two hosts with workers and two schedulers on one PostgreSQL and one Redis: Almanac beyond one machine."""

from __future__ import annotations

import os
import secrets
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import psycopg

from tests.faults.harness import FAST, Program, Site

PROCESSES = 2


class Fleet(Site):
    """Workers (`hosts`) and schedulers that run the jobs of `app`, on servers with the `tables` that those need."""

    def __init__(self, folder: Path, *, app: str, tables: str, **settings: str) -> None:
        super().__init__(folder)
        self._app = app
        self._tables = tables
        self._settings = settings
        self.hosts: list[Program] = []
        self.schedulers: list[Program] = []

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for server in self.servers:
                stack.enter_context(server)
            self.environment = self._environment()
            self.run("flask", "--app", "wsgi", "prepare")
            with psycopg.connect(self.postgres.url) as connection:
                connection.execute(self._tables.encode())
            stack.callback(self._end_programs)
            self._stack = stack.pop_all()
        return self

    def man(self, *, hosts: int = 2, schedulers: int = 2, processes: int = PROCESSES) -> None:
        """Start so many worker hosts, with so many processes each, and so many schedulers."""
        command = ("jobs.worker", "--processes", str(processes))
        self.hosts += [self.program(f"host-{number}", *command) for number in range(1, hosts + 1)]
        self.schedulers += [
            self.program(f"scheduler-{number}", "jobs.scheduler") for number in range(1, schedulers + 1)
        ]
        for program in (*self.hosts, *self.schedulers):
            program.start()

    def _environment(self) -> dict[str, str]:
        own = {
            "ENVIRONMENT": "development",
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": self.jobs_redis.url,
            "CACHE_REDIS_URL": self.jobs_redis.url.replace("/0", "/1"),
            "SMTP_URL": "smtp://127.0.0.1:9",
            "SECRET_KEY": secrets.token_hex(32),
            "PUBLIC_URL": "http://almanac.test",
            "FLASK_APP": self._app,
            "LOG_FORMAT": "text",
            "LOG_LEVEL": "warning",
            "PYTHONUNBUFFERED": "1",
        }
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder)} | own | FAST | self._settings
