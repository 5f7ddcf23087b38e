"""Without the cache's Redis, or with one that does not answer, guests are offered the same, a little later."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis

from devserver.servers import EmbeddedRedis
from tests.factories import event_type
from tests.scheduling.helpers import at, booked, in_days, slots
from webapp.core.redis import connect
from webapp.scheduling import chunks

TIMEOUT_SECONDS = 1.0


@pytest.fixture(scope="module")
def own_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedRedis]:
    folder: Path = tmp_path_factory.mktemp("cache")
    with EmbeddedRedis(folder, persistent=False) as redis:
        yield redis


@pytest.fixture
def redis(app: Flask, own_redis: EmbeddedRedis, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedRedis]:
    """A Redis that this test may stop, in place of the one that all tests share."""
    client = connect(own_redis.url, timeout=TIMEOUT_SECONDS)
    monkeypatch.setattr(chunks, "cache_redis", lambda: client)
    chunks.pause.end()
    yield own_redis
    chunks.pause.end()


def test_a_redis_that_is_gone_costs_guests_nothing_but_time(redis: EmbeddedRedis, client: FlaskClient) -> None:
    kind = event_type()
    before = slots(client, kind, in_days(2))
    redis.kill()
    try:
        assert slots(client, kind, in_days(2)) == before
        booked(kind, at(10))
        assert slots(client, kind, in_days(2)) == [start for start in before if "T10:00" not in start]
    finally:
        redis.start()
    chunks.pause.end()
    assert slots(client, kind, in_days(2)) == [start for start in before if "T10:00" not in start]
    assert slots(client, kind, in_days(16))  # this process has not written that week yet
    with Redis.from_url(redis.url) as emptied:
        assert emptied.keys("almanac:open:*")


def test_a_redis_that_does_not_answer_is_waited_for_once(redis: EmbeddedRedis, client: FlaskClient) -> None:
    kind = event_type()
    before = slots(client, kind, in_days(2))
    os.kill(redis.pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        for week in range(8):
            assert len(slots(client, kind, in_days(2 + 7 * week))) == len(before)
        assert chunks.pause.is_on
        assert time.monotonic() - began < 8 * TIMEOUT_SECONDS  # the timeout once, and not with every request
    finally:
        os.kill(redis.pid, signal.SIGCONT)
