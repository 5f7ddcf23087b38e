"""Requests are counted in one exchange with the cache, and the counts end with their window."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.factories import event_type
from tests.scheduling.helpers import address
from webapp.core.redis import cache_redis


def test_the_headers_count_down(client: FlaskClient) -> None:
    path = f"{address(event_type())}/slots"
    first, second = client.get(path), client.get(path)
    assert _left(second) == _left(first) - 1
    assert second.headers["X-RateLimit-Reset"] == first.headers["X-RateLimit-Reset"]


def test_counting_and_what_the_headers_say_take_one_exchange(client: FlaskClient) -> None:
    path = f"{address(event_type())}/slots"
    client.get(path)
    before = _exchanges()
    client.get(path)
    own_question = 1
    assert _exchanges() - before - own_question == 1


def test_a_count_that_nothing_ends_is_given_an_end(client: FlaskClient) -> None:
    path = f"{address(event_type())}/slots"
    client.get(path)
    keys = [key for key in cache_redis().scan_iter() if cache_redis().persist(key)]
    assert keys
    client.get(path)
    seconds_left: list[Any] = [cache_redis().ttl(key) for key in keys]
    assert all(0 < left <= 3600 for left in seconds_left)


def _left(answer: TestResponse) -> int:
    return int(answer.headers["X-RateLimit-Remaining"])


def _exchanges() -> int:
    """How often the cache has been asked for anything, this included."""
    stats: Any = cache_redis().info("stats")
    return int(stats["total_reads_processed"])
