"""What the tests of logs, health, metrics and the dashboard have in common."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer

from jobs import schedule as table
from jobs.runtime import schedules
from tests import factories
from tests.conftest import Servers
from tests.operations import work
from tests.scheduling.pages import Visitor
from tests.warm import Warm
from webapp.core.db import transaction
from webapp.core.logs import configure_logging
from webapp.core.settings import load_settings, settings
from webapp.identity.models import Membership, Role
from webapp.identity.service import open_session

ROOT = Path(__file__).resolve().parents[2]


HOSTILE = "<img src=x onerror=alert(1)>\"'</script><script>alert(2)</script>"


def eventually(true: Callable[[], Any], *, seconds: float = 60.0) -> Any:
    """Return what `true` returns as soon as that is something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = true()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"did not come true within {seconds:g} s")


@pytest.fixture
def owner(app: Flask) -> Membership:
    with transaction():
        schedules.seed(table.SCHEDULE)
    return factories.member()


@pytest.fixture
def visitor(app: Flask, owner: Membership) -> Visitor:
    return Visitor(app).sign_in(owner)


@pytest.fixture
def lines(app: Flask, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Any]:
    """Returns the JSON lines written since it was last asked."""
    monkeypatch.setenv("LOG_FORMAT", "json")
    monkeypatch.setenv("LOG_LEVEL", "info")
    hook = sys.excepthook
    configure_logging(load_settings())
    yield lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    monkeypatch.undo()
    configure_logging(load_settings())
    sys.excepthook = hook


@pytest.fixture
def with_setting(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """Change a setting for one test."""

    def change(name: str, value: str) -> None:
        monkeypatch.setenv(name, value)
        settings.cache_clear()

    yield change
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture
def redis(app: Flask, servers: Servers) -> Iterator[Redis]:
    """The jobs' Redis, by a connection of the test's own."""
    with Redis.from_url(servers.jobs_redis.url) as connection:
        yield connection


@pytest.fixture
def administrator(app: Flask) -> FlaskClient:
    """The browser of an owner."""
    return browser_of(app, factories.member())


@pytest.fixture
def ordinary_member(app: Flask) -> FlaskClient:
    """The browser of a member who administers nothing."""
    return browser_of(app, factories.member(role=Role.MEMBER))


def browser_of(app: Flask, member: Membership) -> FlaskClient:
    """A client that is signed in as `member`."""
    with transaction():
        token = open_session(membership=member, user_agent="", ip_address="")
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie["token"] = token
    return client


@contextmanager
def our_process(module: str) -> Iterator[Warm]:
    """`python -m module`, with the settings of the tests, until the end of the block."""
    process = Warm(module, environment=dict(os.environ))
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


@contextmanager
def rq_worker(url: str, *queues: str) -> Iterator[subprocess.Popen[bytes]]:
    """A stock RQ worker that reads JSON, in a process of its own."""
    rq = str(Path(sys.executable).with_name("rq"))
    arguments = ["worker", "--url", url, "--serializer", "json", "--worker-class", "rq.SimpleWorker", *queues]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    nobody = subprocess.DEVNULL
    process = subprocess.Popen([rq, *arguments], cwd=ROOT, env=environment, stdout=nobody, stderr=nobody)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
def queue(redis: Redis) -> Queue:
    return Queue("bookings", connection=redis, serializer=JSONSerializer)


@pytest.fixture
def failed(redis: Redis) -> Job:
    """A job that RQ has run and that has failed, with markup wherever a job can carry text."""
    at_once = Queue("bookings", connection=redis, serializer=JSONSerializer, is_async=False)
    return at_once.enqueue(work.fail, HOSTILE, description=HOSTILE, meta={"note": HOSTILE})


@pytest.fixture
def hostile_worker(redis: Redis, failed: Job) -> None:
    """A worker's record with markup in its name and its queues, at work on the hostile job."""
    name = f"rq:worker:{HOSTILE}"
    redis.hset(name, mapping={"state": "busy", "queues": HOSTILE, "version": HOSTILE, "python_version": HOSTILE})
    redis.sadd("rq:workers", name)
    redis.sadd(f"{name}:executions", f"{failed.id}:1")
