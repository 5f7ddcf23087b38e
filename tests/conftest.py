"""Real servers for every test process: PostgreSQL, two Redis and SMTP, emptied between tests."""

from __future__ import annotations

import gc
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from hypothesis import settings as hypothesis_settings
from redis import Redis
from sqlalchemy import text

from devserver.servers import EmbeddedPostgres, EmbeddedRedis
from tests.peers.smtp import SmtpPeer

hypothesis_settings.register_profile("default", deadline=None, max_examples=60)
hypothesis_settings.register_profile("thorough", deadline=None, max_examples=2000)
hypothesis_settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


# What takes long to start and serves many tests: all that ask for it come to the one process that has it, and first.
SHARED = {"_keeper": "installation", "_yard_keeper": "yard", "running": "running", "chromium": "chromium"}


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        names = getattr(item, "fixturenames", ())
        if shared := next((group for fixture, group in SHARED.items() if fixture in names), None):
            item.add_marker(pytest.mark.xdist_group(shared))


@dataclass(frozen=True)
class Servers:
    """What the application under test talks to."""

    postgres: EmbeddedPostgres
    jobs_redis: EmbeddedRedis
    cache_redis: EmbeddedRedis
    smtp: SmtpPeer

    def environment(self) -> dict[str, str]:
        """The settings that make an Almanac process use these servers."""
        return {
            "ENVIRONMENT": "development",
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": self.jobs_redis.url,
            "CACHE_REDIS_URL": self.cache_redis.url,
            "SMTP_URL": self.smtp.url,
            "SECRET_KEY": secrets.token_hex(32),
            "PUBLIC_URL": "http://almanac.test",
            "PASSWORD_MEMORY_MB": "1",
            "RATE_LIMIT_PUBLIC": "100000 per minute",
            "RATE_LIMIT_HOLDS": "100000 per minute",
            "RATE_LIMIT_SIGN_IN": "100000 per minute",
            "RATE_LIMIT_API": "100000 per minute",
            "ALERT_ABSENCE_SECONDS": "3600",
            "LOG_FORMAT": "text",
            "LOG_LEVEL": "warning",
        }


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    folder: Path = tmp_path_factory.mktemp("servers")
    with (
        EmbeddedPostgres(folder / "postgres", durable=False) as postgres,
        EmbeddedRedis(folder / "jobs", persistent=False) as jobs_redis,
        EmbeddedRedis(folder / "cache", persistent=False) as cache_redis,
        SmtpPeer() as smtp,
    ):
        yield Servers(postgres, jobs_redis, cache_redis, smtp)


@pytest.fixture(scope="session")
def migrated_app(servers: Servers) -> Flask:
    os.environ.update(servers.environment())
    from webapp import create_app

    app = create_app()
    app.testing = True
    with app.app_context():
        upgrade()
    gc.collect()
    gc.freeze()  # all that was loaded stays to the end, and need not be looked through after each test
    return app


@pytest.fixture
def app(migrated_app: Flask, servers: Servers) -> Iterator[Flask]:
    """The application in its context, over empty servers; who acted in another test acts no more."""
    from webapp.core.acting import SYSTEM, acting_as
    from webapp.core.db import db, metadata

    servers.smtp.forget()
    for server in (servers.jobs_redis, servers.cache_redis):
        with Redis.from_url(server.url) as redis:
            redis.flushall()
    with migrated_app.app_context(), acting_as(SYSTEM):
        yield migrated_app
        db.session.rollback()
        # As good as empty, these tables are emptied row by row a dozen times faster than by TRUNCATE; foreign keys are
        # left out of it, for everything goes.
        emptied = "; ".join(f'DELETE FROM "{table.name}"' for table in metadata.sorted_tables)
        db.session.execute(text(f"SET LOCAL session_replication_role = replica; {emptied}"))
        db.session.commit()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser that is not signed in."""
    return app.test_client()
